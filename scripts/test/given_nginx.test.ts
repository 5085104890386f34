import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { givenNginx } from "../given_nginx.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "resty-ffi-given-"));
  mkdirSync(join(folder, "modules", "resty"), { recursive: true });
  writeFileSync(join(folder, "modules", "resty", "core.lua"), "");
  writeFileSync(join(folder, "nginx"), "", { mode: 0o755 });
  writeFileSync(join(folder, "text"), "", { mode: 0o644 });
});
afterAll(() => rmSync(folder, { recursive: true }));

test("none given: all arguments are turbo's", () => {
  expect(givenNginx(["--output-logs=errors-only"])).toEqual({ env: {}, rest: ["--output-logs=errors-only"] });
});

test.each([
  [["--nginx"], ["--modules"]],
  [["--nginx="], ["--modules="]],
])("its paths become absolute (%s)", ([nginx]) => {
  const option = (name: string, value: string) =>
    nginx?.endsWith("=") ? [`--${name}=${value}`] : [`--${name}`, value];
  const args = [
    "--before",
    ...option("nginx", join(folder, "modules", "..", "nginx")),
    "--between=x",
    ...option("modules", join(folder, "modules")),
    "after",
  ];
  expect(givenNginx(args)).toEqual({
    env: { RESTY_FFI_TEST_NGINX: join(folder, "nginx"), RESTY_FFI_TEST_MODULES: join(folder, "modules") },
    rest: ["--before", "--between=x", "after"],
  });
});

test("what cannot be run is refused", () => {
  const refused = (...args: string[]) => expect(() => givenNginx(args));
  refused("--nginx").toThrow("--nginx needs a path.");
  refused("--nginx", join(folder, "text")).toThrow("is not an executable file");
  refused("--nginx", folder).toThrow("is not an executable file");
  refused("--nginx", join(folder, "absent")).toThrow("is not an executable file");
  refused("--nginx", join(folder, "nginx"), "--modules", folder).toThrow("put lua-resty-core there");
  refused("--modules", join(folder, "modules")).toThrow("--modules needs --nginx: it names the modules of that nginx.");
});
