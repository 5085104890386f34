import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Lua, startLua } from "./support/lua.ts";

let lua: Lua;
beforeAll(async () => {
  lua = await startLua();
});
afterAll(() => lua.stop());

const HEX = 'local function hex(s) return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end';
const REQUIRE = 'local m, ffi = require "resty.ffi.msgpack", require "ffi"';

/** The bytes of an encoded value, in hexadecimal; or nil and the sentence. */
function encoded(value: string, ordered = false): Promise<string> {
  return lua.run(`${REQUIRE} ${HEX}
    local text, err = m.encode(${value}, ${ordered})
    return text and hex(text) or text, err`);
}

/** A decoded value as Lua's `expression` of `v`. */
function decoded(hex: string, expression = "v"): Promise<string> {
  return lua.run(`${REQUIRE}
    local v, err = m.decode((("${hex}"):gsub("..", function(h) return string.char(tonumber(h, 16)) end)))
    if err then return nil, err end
    return ${expression}`);
}

describe("encode: as the specification of MessagePack says", () => {
  it.each([
    ["nil", "c0"],
    ["ngx.null", "c0"],
    ["true", "c3"],
    ["false", "c2"],
    ["0", "00"],
    ["127", "7f"],
    ["128", "cc80"],
    ["255", "ccff"],
    ["256", "cd0100"],
    ["65535", "cdffff"],
    ["65536", "ce00010000"],
    ["4294967295", "ceffffffff"],
    ["4294967296", "d30000000100000000"],
    ["-1", "ff"],
    ["-32", "e0"],
    ["-33", "d3ffffffffffffffdf"],
    ["1.5", "cb3ff8000000000000"],
    ["-0", "cb8000000000000000"],
    ["1/0", "cb7ff0000000000000"],
    ["2^63", "cb43e0000000000000"],
    ["9223372036854775807LL", "d37fffffffffffffff"],
    ["18446744073709551615ULL", "cfffffffffffffffff"],
    ['""', "a0"],
    ['"\\0\\255"', "a200ff"],
    ['("x"):rep(31)', `bf${"78".repeat(31)}`],
    ['("x"):rep(32)', `d920${"78".repeat(32)}`],
    ['("x"):rep(256)', `da0100${"78".repeat(256)}`],
    ["{}", "80"],
    ["setmetatable({}, m.list)", "90"],
    ["{ 1, ngx.null, 3 }", "9301c003"],
    ["{ a = { b = 1 } }", "81a16181a16201"],
    ['{ "x", a = 1 }', "8201a178a16101"],
    ["{ [2] = 3 }", "810203"],
    ["{ [1] = 1, [3] = 3 }, true", "8201010303"], // ordered
  ])("%s", async (value, hex) => {
    expect(await encoded(value)).toBe(`${hex}|nil`);
  });

  it("sizes above the small ones", async () => {
    const size = (chunk: string) => lua.run(`${REQUIRE} ${HEX} ${chunk}`);
    expect(await size("local t = {} for k = 1, 16 do t[k] = 1 end return hex(m.encode(t):sub(1, 3))")).toBe("dc0010");
    expect(await size("local t = {} for k = 1, 65536 do t[k] = 1 end return hex(m.encode(t):sub(1, 5))")).toBe(
      "dd00010000",
    );
    expect(await size('local t = {} for k = 1, 16 do t["k" .. k] = 1 end return hex(m.encode(t):sub(1, 3))')).toBe(
      "de0010",
    );
    expect(await size('local s = m.encode(("x"):rep(3000000)) return #s, hex(s:sub(1, 5))')).toBe("3000005|db002dc6c0");
  });

  it("equal tables give equal strings if ordered", async () => {
    const table = (names: string[]) =>
      `(function() local t = {} ${names.map((n) => `t.${n} = 1`).join(" ")} return t end)()`;
    const names = [..."qwertyuiopasdfghjkl"];
    expect(await encoded(table(names), true)).toBe(await encoded(table(names.toReversed()), true));
  });

  it.each([
    ["print", "a function cannot be sent, only strings, numbers, booleans and tables of them"],
    ["{ a = { coroutine.create(function() end) } }", "a thread cannot be sent"],
    ["(function() local t = {} t.t = t return t end)()", "nested deeper than 100 levels, or holds itself"],
  ])("%s is refused", async (value, sentence) => {
    const [text, err] = (await encoded(value)).split("|");
    expect(text).toBe("nil");
    expect(err).toContain(sentence);
  });

  it("goes on after a refusal", async () => {
    expect(await encoded('m.encode({ "abc", print }) or "abc"')).toBe("a3616263|nil");
  });
});

describe("decode", () => {
  it.each([
    ["c0", "nil"],
    ["c3", "true"],
    ["7f", "127"],
    ["ff", "-1"],
    ["d080", "-128"],
    ["d1ff00", "-256"],
    ["d2ffffff00", "-256"],
    ["d3ffffffffffffff00", "-256"],
    ["d3001fffffffffffff", "9.007199254741e+15"],
    ["d30020000000000000", "9007199254740992"],
    ["d30020000000000001", "9007199254740993"],
    ["cfffffffffffffffff", "18446744073709551615"],
    ["ca3fc00000", "1.5"],
    ["cb3ff8000000000000", "1.5"],
    ["a3616263", "abc"],
    ["c403616263", "abc"],
    ["d903616263", "abc"],
    ["da0003616263", "abc"],
    ["db00000003616263", "abc"],
  ])("%s", async (hex, value) => {
    expect(await decoded(hex)).toBe(value);
  });

  it.each([
    "cbfff8000000000001", // with a sign, and bits that LuaJIT takes for those of a nil, a string, a table …
    "cbffff800000000000",
    "cbfffbcba987654321",
    "cbfffdcba987654321",
    "cbfffe4ba987654321",
    "cb7ff0000000000001",
    "cb7ff8000000000000",
    "caffffffff",
    "caffb54321",
    "ca7fa12345",
  ])("%s is a NaN, whatever its other bits", async (hex) => {
    const kinds = await decoded(`92${hex}${hex}`, "type(v[1]), v[1] ~= v[1], type(v[2]), tostring(v[1]):match('nan')");
    expect(kinds).toBe("number|true|number|nan");
  });

  it("infinities", async () => {
    expect(await decoded("94cb7ff0000000000000cbfff0000000000000ca7f800000caff800000", "table.concat(v, ' ')")).toBe(
      "inf -inf inf -inf",
    );
  });

  it("the extension 0 is ngx.null everywhere, and no other is known", async () => {
    expect(await decoded("92d4000081a161d40000", "v[1] == ngx.null, v[2].a == ngx.null")).toBe("true|true");
    expect(await decoded("d40000", "v == ngx.null")).toBe("true");
  });

  it("lists and maps", async () => {
    expect(await decoded("9301c003", "#v, v[1], v[2] == ngx.null, v[3]")).toBe("3|1|true|3");
    expect(await decoded("82a16101a162c0", "v.a, v.b")).toBe("1|nil");
    expect(await decoded("90", "#v, getmetatable(v) == m.list")).toBe("0|true");
  });

  it("64 bits that a number would round are text, and come back as they were sent", async () => {
    expect(await lua.run(`${REQUIRE} return m.decode(m.encode(-9223372036854775807LL - 1))`)).toBe(
      "-9223372036854775808",
    );
  });

  it.each([
    "",
    "a3616",
    "a36162",
    "92",
    "d9",
    "cb00",
    "dd7fffffff",
    "df7fffffff",
    "c1",
    "0101",
    "81c001",
    "c7",
    "d400",
    "d40001",
    "d40100",
  ])("%s is refused", async (hex) => {
    expect(await decoded(hex)).toMatch(/^nil\|not MessagePack: /);
  });

  it.each(["91", "81a161", "dc0001", "dd00000001", "de0001a161", "df00000001a161"])(
    "tables that begin with %s nest 100 deep, and no deeper",
    async (head) => {
      expect(await decoded(`${head.repeat(100)}cb3ff8000000000000`)).toMatch(/^table: /);
      expect(await decoded(`${head.repeat(101)}c0`)).toBe("nil|nested deeper than 100 tables");
    },
  );

  it("any value comes back, and any other bytes are refused or decoded, never worse", async () => {
    expect(await lua.run('return require("scenarios.msgpack_any_value")(2000) > 100')).toBe("true");
  });
});
