import { expect, test } from "vitest";
import { choose } from "../setup/debian.ts";
import { step } from "../setup/progress.ts";
import { REQUIREMENTS, type Requirement } from "../setup/requirements.ts";

const requirement = (name: string): Requirement => {
  const found = REQUIREMENTS.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`no requirement ${name}`);
  return found;
};

const rust = [requirement("rustc"), requirement("rustfmt")];
const current = ["rustc", "cargo", "rust-clippy", "rustfmt"];
const web = ["rustc-web", "cargo-web", "rust-web-clippy", "rustfmt-web"];
const offered = (packages: string[], version: string) => packages.map((name): [string, string] => [name, version]);

test("a distribution's own compiler is taken if it is new enough", () => {
  const candidates = new Map([...offered(current, "1.85.0"), ...offered(web, "1.96.0")]);
  expect(choose(rust, candidates)).toEqual(current);
});

test("a compiler that is too old gives way to the next offer", () => {
  const candidates = new Map([...offered(current, "1.63.0"), ...offered(web, "1.96.0")]);
  expect(choose(rust, candidates)).toEqual(web);
});

test("an offer that lacks a package is not taken", () => {
  const candidates = new Map([...offered(current, "1.63.0"), ...offered(web.slice(0, 3), "1.96.0")]);
  expect(() => choose(rust, candidates)).toThrow("rustc (builds and checks the Rust SDK)");
});

test("an old Go will do, because it fetches the newer one", () => {
  expect(choose([requirement("go")], new Map([["golang-go", "1.19"]]))).toEqual(["golang-go"]);
});

test("without package lists the answer is Debian 12's packages", () => {
  expect(choose(REQUIREMENTS, new Map())).toEqual(
    expect.arrayContaining(["nginx", "libnginx-mod-http-lua", ...web, "golang-go", "openjdk-17-jdk-headless"]),
  );
});

test("nothing is asked for that makes apt remove nginx's Lua module", () => {
  const packages = REQUIREMENTS.flatMap(({ offers }) => offers.flatMap((offer) => offer.packages));
  expect(packages).not.toContain("luajit");
  expect(packages).not.toContain("libluajit-5.1-dev");
});

test("every requirement tells what it is for and has an offer", () => {
  for (const { name, why, offers } of REQUIREMENTS) {
    expect(why, name).not.toBe("");
    expect(offers.length, name).toBeGreaterThan(0);
  }
});

test("progress without a terminal is plain lines", () => {
  const written: string[] = [];
  const shown = step("installing", { write: (text) => written.push(text) });
  shown.detail("Unpacking");
  shown.done();
  expect(written.join("")).toMatch(/^- installing\n✔ installing \(\d+\.\d s\)\n$/);
});

test("progress on a terminal is one line that is drawn over and over, and fits", async () => {
  const written: string[] = [];
  const shown = step("installing", { isTTY: true, columns: 40, write: (text) => written.push(text) });
  shown.detail("Unpacking something with a very long name indeed");
  await expect.poll(() => written.length).toBeGreaterThan(1);
  shown.failed("installing");
  expect(written.at(-1)).toMatch(/✖ installing \(\d+\.\d s\)\n$/);
  for (const text of written.slice(0, -1)) {
    expect(text.startsWith("\r\u001b[K")).toBe(true);
    expect(text.length - "\r\u001b[K".length).toBeLessThan(40);
    expect(text).not.toContain("\n");
  }
});
