import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Lua, startLua } from "./support/lua.ts";

/** What of OpenResty's lua-cjson marks lists; its userdata is a light one. */
const CJSON = `init_by_lua_block {
  package.preload.cjson = function()
    return { array_mt = {}, empty_array_mt = {}, empty_array = newproxy(), null = ngx.null }
  end
}`;
const REQUIRE = `
  local lists, m = require "resty.ffi.lists", require "resty.ffi.msgpack"
  local found, cjson = pcall(require, "cjson")
  local function sent(v) return (assert(m.encode(v)):gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end`;

let lua: Lua;
const run = (chunk: string) => lua.run(`${REQUIRE} ${chunk}`);

describe("with a cjson that has marks", () => {
  beforeAll(async () => {
    lua = await startLua({ http: CJSON });
  });
  afterAll(() => lua.stop());

  it("lists that arrive have its array_mt, empty or not, nested or not, and maps do not", async () => {
    expect(
      await run(`
        local v = m.decode(m.encode({ empty = cjson.empty_array, full = { 1, { cjson.empty_array } }, map = {} }))
        local mt = cjson.array_mt
        local function is(t) return getmetatable(t) == mt end
        return is(v), is(v.map), is(v.empty), is(v.full), is(v.full[2]), is(v.full[2][1]), next(v.empty) == nil`),
    ).toBe("false|false|true|true|true|true|true");
  });

  it.each([
    ["cjson.empty_array", "90"],
    ["{ cjson.empty_array }", "9190"],
    ["setmetatable({}, cjson.empty_array_mt)", "90"],
    ["setmetatable({}, cjson.array_mt)", "90"],
    ["setmetatable({ 1 }, cjson.array_mt)", "9101"],
    ["setmetatable({ cjson.null }, cjson.array_mt)", "91c0"],
    ["setmetatable({ a = 1 }, cjson.empty_array_mt)", "81a16101"],
    ["setmetatable({ a = 1 }, cjson.array_mt)", "81a16101"],
    ["setmetatable({}, {})", "80"],
    ["setmetatable({}, { __metatable = 7 })", "80"],
    ["{ a = cjson.null }", "81a161c0"],
  ])("%s is sent as what it is marked as, if nothing in it says otherwise", async (value, hex) => {
    expect(await run(`return sent(${value})`)).toBe(hex);
  });

  it("another userdata is refused", async () => {
    expect(await run("return m.encode(newproxy())")).toMatch(/^nil\|a userdata cannot be sent/);
  });
});

describe.each([
  ["no cjson", 'package.preload.cjson = function() error("not installed") end'],
  ["a cjson without marks, as Debian's", "package.preload.cjson = function() return { null = ngx.null } end"],
  ["another thing of that name", "package.preload.cjson = function() return true end"],
])("with %s", (_, preload) => {
  beforeAll(async () => {
    lua = await startLua({ http: `init_by_lua_block { ${preload} }` });
  });
  afterAll(() => lua.stop());

  it("lists have a mark of their own, which is dkjson's, and come back as lists", async () => {
    expect(
      await run(`
        local v = m.decode("\\x90")
        return getmetatable(v) == m.list, getmetatable(v).__jsontype, sent(v), sent({})`),
    ).toBe("true|array|90|80");
    expect(await run('return sent(setmetatable({}, { __jsontype = "array" }))')).toBe("90");
    expect(await run('return sent(setmetatable({}, { __jsontype = "object" }))')).toBe("80");
  });
});
