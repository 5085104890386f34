import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { constants, enumeration } from "./support/contract.ts";
import { type Lua, startLua } from "./support/lua.ts";
import { PACKAGE, ROOT } from "./support/places.ts";

/** A new one for each test: nothing has been required yet. */
let lua: Lua;
beforeEach(async () => {
  lua = await startLua();
});
afterEach(() => lua.stop());

/** enum resty_ffi_status, without OK. */
const CODES = Object.fromEntries(
  enumeration("resty_ffi_status")
    .filter((name) => name !== "OK")
    .map((name) => [name, constants[name]]),
);

async function table(expression: string): Promise<Record<string, number>> {
  const text = await lua.run(`
    local lines = {}
    for name, value in pairs(${expression}) do
      if type(value) == "number" then lines[#lines + 1] = name .. "=" .. value end
    end
    return table.concat(lines, " ")`);
  return Object.fromEntries(text.split(" ").map((word) => [word.split("=")[0], Number(word.split("=")[1])]));
}

it.each(["resty_ffi", "resty.ffi"])('require "%s" alone defines ngx.load_ffi', async (name) => {
  expect(
    await lua.run(`
      local before = ngx.load_ffi
      local ffi = require "${name}"
      return before, type(ngx.load_ffi), ngx.load_ffi == ffi.load, ffi == require "resty.ffi", ffi == require "resty_ffi"`),
  ).toBe("nil|function|true|true|true");
});

it("requiring it loads no library and starts nothing: the first ngx.load_ffi does", async () => {
  expect(
    await lua.run(`
      require "resty.ffi"
      for line in io.lines("/proc/self/maps") do
        if line:find("libresty_ffi", 1, true) then return line end
      end`),
  ).toBe("");
});

it("the codes are those of enum resty_ffi_status", async () => {
  expect(Object.keys(CODES).length).toBeGreaterThan(5);
  expect(await table('require "resty.ffi.status"')).toEqual(CODES);
  expect(await table('require "resty.ffi"')).toEqual(CODES);
});

it("the codes are those of docs/lua-api.md", () => {
  const rows = readFileSync(join(ROOT, "docs/lua-api.md"), "utf8").matchAll(/^\| `([A-Z_]+)` \|/gm);
  expect([...rows].map(([, name]) => name).sort()).toEqual(Object.keys(CODES).sort());
});

it("_VERSION is the package's", async () => {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
  expect(await lua.run('return require("resty.ffi")._VERSION')).toBe(version);
});
