import { describe, expect, test } from "vitest";
import { atLeast, parsePolicy, parseVersion } from "../setup/version.ts";

describe("parseVersion", () => {
  test.each([
    ["go version go1.26.8 linux/amd64", "1.26.8"],
    ["rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)", "1.96.0"],
    ["javac 17.0.15", "17.0.15"],
    ["nginx version: nginx/1.22.1", "1.22.1"],
    ["Debian clang-format version 14.0.6", "14.0.6"],
    ["Apache Maven 3.8.7", "3.8.7"],
    ["javac 25", "25"],
  ])("%s", (text, version) => expect(parseVersion(text)).toBe(version));

  test("a text without a number has none", () => expect(parseVersion("command not found")).toBeUndefined());
});

describe("atLeast", () => {
  test.each([
    ["1.26.8", "1.24", true],
    ["1.24", "1.24", true],
    ["1.24", "1.24.0", true],
    ["1.9", "1.24", false],
    ["1.24.0", "1.24.1", false],
    ["17.0.15", "17", true],
    ["11.0.2", "17", false],
    ["2", "1.99", true],
  ])("%s is at least %s: %s", (version, minimum, expected) => expect(atLeast(version, minimum)).toBe(expected));
});

test("parsePolicy reads apt's candidates without epoch and revision, and leaves out what cannot be installed", () => {
  const output = [
    "golang-go:",
    "  Installed: (none)",
    "  Candidate: 2:1.19~1",
    "  Version table:",
    "     2:1.19~1 500",
    "rustc-web:",
    "  Installed: (none)",
    "  Candidate: 1.96.0+dfsg1-1~deb12u2",
    "chromium-browser:",
    "  Installed: (none)",
    "  Candidate: (none)",
    "",
  ].join("\n");
  expect(parsePolicy(output)).toEqual(
    new Map([
      ["golang-go", "1.19"],
      ["rustc-web", "1.96.0"],
    ]),
  );
});
