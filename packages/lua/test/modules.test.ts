import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Lua, startLua } from "./support/lua.ts";
import { NATIVE, PACKAGE, ROOT } from "./support/places.ts";

/** A new one for each test: nothing has been required yet. */
let lua: Lua;
beforeEach(async () => {
  lua = await startLua();
});
afterEach(() => lua.stop());

/** enum resty_ffi_status of the header, without OK. */
function codes(): Record<string, number> {
  const header = readFileSync(join(NATIVE, "include/resty_ffi.h"), "utf8");
  const [, body = ""] = /enum resty_ffi_status \{([^}]*)\}/.exec(header) ?? [];
  const lines = body.replaceAll(/\/\*.*?\*\//gs, "").matchAll(/RESTY_FFI_(\w+) = (-?\d+),/g);
  const all = Object.fromEntries([...lines].map(([, name = "", value]) => [name, Number(value)]));
  expect(all.OK).toBe(0);
  delete all.OK;
  return all;
}

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
  const expected = codes();
  expect(Object.keys(expected).length).toBeGreaterThan(5);
  expect(await table('require "resty.ffi.status"')).toEqual(expected);
  expect(await table('require "resty.ffi"')).toEqual(expected);
});

it("the codes are those of docs/lua-api.md", () => {
  const rows = readFileSync(join(ROOT, "docs/lua-api.md"), "utf8").matchAll(/^\| `([A-Z_]+)` \|/gm);
  expect([...rows].map(([, name]) => name).sort()).toEqual(Object.keys(codes()).sort());
});

it("_VERSION is the package's", async () => {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
  expect(await lua.run('return require("resty.ffi")._VERSION')).toBe(version);
});
