import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Echo, startEcho } from "./support/grpc_echo.ts";

const PROTO = `
syntax = "proto3";
package json;
import "google/protobuf/struct.proto";
import "google/protobuf/wrappers.proto";
service Echo {
  rpc Echo (All) returns (All);
  rpc Value (All) returns (google.protobuf.Value);
  rpc Values (All) returns (stream google.protobuf.Value);
}
message All {
  google.protobuf.Value value = 1;
  repeated google.protobuf.Value values = 2;
  map<string, google.protobuf.Value> named = 3;
  google.protobuf.Struct object = 4;
  google.protobuf.ListValue list = 5;
  google.protobuf.NullValue none = 6;
  oneof kind { google.protobuf.NullValue nothing = 7; string something = 8; google.protobuf.Value any_value = 9; }
  repeated google.protobuf.NullValue nones = 10;
  map<string, google.protobuf.NullValue> named_nones = 11;
  repeated int32 numbers = 12;
  repeated All children = 13;
  map<string, All> by_name = 14;
  google.protobuf.Int32Value wrapped = 15;
  map<string, int32> counts = 16;
}`;

/** What marks lists in OpenResty's lua-cjson. */
const CJSON = `init_by_lua_block {
  package.preload.cjson = function()
    return { array_mt = {}, empty_array_mt = {}, empty_array = newproxy(), null = ngx.null }
  end
}`;

let echo: Echo;
beforeAll(async () => {
  echo = await startEcho(PROTO, { http: CJSON });
});
afterAll(() => echo?.stop());

describe("a null that is a value is ngx.null both ways", () => {
  it.each([
    ["value = ngx.null", "res.value", "null", "0a020800"],
    ["values = { 1, ngx.null, 'x' }", "res.values[1], res.values[2], res.values[3]", '1 null "x"', ""],
    ["named = { a = ngx.null }", "res.named", "{a=null}", "1a070a016112020800"],
    ["object = { a = ngx.null }", "res.object", "{a=null}", "22090a070a016112020800"],
    ["object = { a = { b = { ngx.null } } }", "res.object", "{a={b={null}}}", ""],
    ["list = { ngx.null, { ngx.null } }", "res.list", "{null,{null}}", ""],
    ["none = ngx.null", "res.none", "null", "3000"],
    ["none = 'NULL_VALUE'", "res.none", "null", "3000"],
    ["nothing = ngx.null", "res.nothing, res.something", "null nil", "3800"],
    ["any_value = ngx.null", "res.any_value, res.something", "null nil", "4a020800"],
    ["nones = { ngx.null, 0 }", "res.nones", "{null,null}", "52020000"],
    ["named_nones = { a = ngx.null }", "res.named_nones", "{a=null}", "5a050a01611000"],
    ["", "res.value, res.none, res.nothing", "nil null nil", ""],
  ])("%s", async (field, back, text, hex) => {
    expect(await echo.call(`{ ${field} }`, back)).toBe(text);
    if (hex !== "") expect(echo.got()).toBe(hex);
  });

  it.each(["nothing = ngx.null, something = 'x'", "any_value = ngx.null, something = 'x'"])(
    "%s is two of a oneof",
    async (fields) => {
      expect(await echo.call(`{ ${fields} }`, "res")).toMatch(/^-10 .*exclude each other/);
    },
  );

  it("and elsewhere it leaves a field out, but is neither an item nor an entry", async () => {
    expect(await echo.call("{ numbers = ngx.null, by_name = ngx.null, wrapped = ngx.null }", "res.wrapped")).toBe(
      "nil",
    );
    expect(echo.got()).toBe("");
    for (const field of ["numbers = { 1, ngx.null }", "children = { ngx.null }", "counts = { a = ngx.null }"]) {
      expect(await echo.call(`{ ${field} }`, "res")).toMatch(/^-10 .* must be /);
    }
  });

  it("as a whole message it does not end a stream", async () => {
    expect(
      await echo.run(
        `
        local _, value = conn:unary("/json.Echo/Value", {})
        local _, wrapped, meta = conn:unary("/json.Echo/Value", {}, { with_metadata = true })
        local _, stream = conn:new_stream("/json.Echo/Values")
        stream:send({ numbers = { 1 } })
        local ok, first = stream:recv()
        local _, second = stream:recv()
        return show(value, wrapped, type(meta), ok, first, second)`,
        "0800",
      ),
    ).toBe('null null "table" true null nil');
  });
});

describe("lists have cjson.array_mt, so that an empty one is [] in JSON", () => {
  it.each([
    ["{}", "res.numbers, res.children", "res.by_name"],
    ["{ numbers = { 1 }, children = { {} } }", "res.numbers, res.children, res.children[1].numbers", "res.children[1]"],
    ["{ by_name = { a = {} } }", "res.by_name.a.numbers", "res.by_name.a"],
    ["{ list = {} }", "res.list", "res.counts"],
    ["{ value = setmetatable({}, cjson.array_mt) }", "res.value", "res"],
    ["{ value = cjson.empty_array }", "res.value", "res"],
    ["{ values = { cjson.empty_array } }", "res.values[1]", "res"],
    ["{ object = { a = cjson.empty_array, b = {} } }", "res.object.a", "res.object.b"],
  ])("%s", async (message, lists, map) => {
    const found = await echo.run(`
      local cjson = require "cjson"
      local ok, res, err = conn:unary("/json.Echo/Echo", ${message})
      assert(ok, err)
      local t, n = { ${lists} }, 0
      for _, list in ipairs(t) do n = n + (getmetatable(list) == cjson.array_mt and 1 or 0) end
      return n == #t, n > 0, getmetatable(${map})`);
    expect(found).toBe("true|true|nil");
  });

  it("an empty list and an empty table are different Values, and the same where the type says which it is", async () => {
    await echo.run(`conn:unary("/json.Echo/Echo", { value = require "cjson".empty_array })`);
    expect(echo.got()).toBe("0a023200");
    await echo.run(`conn:unary("/json.Echo/Echo", { value = {} })`);
    expect(echo.got()).toBe("0a022a00");
    await echo.run(`conn:unary("/json.Echo/Echo", { numbers = {}, children = require "cjson".empty_array })`);
    expect(echo.got()).toBe("");
  });

  it("what came back can be sent again as it is", async () => {
    const again = await echo.run(`
      local empty = require "cjson".empty_array
      local _, once = conn:unary("/json.Echo/Echo", { object = { a = { {}, ngx.null, empty } }, list = { empty } })
      local _, twice = conn:unary("/json.Echo/Echo", once)
      return show(once) == show(twice), show(twice.object, twice.list)`);
    expect(again).toBe("true|{a={{},null,{}}} {{}}");
    expect(await echo.call("{ list = { require('cjson').empty_array } }", "res.list")).toBe("{{}}");
    expect(echo.got()).toBe("2a040a023200");
  });
});

it("a NaN is a number, whatever bits the server chose", async () => {
  const value = "0a0911214365a9cbfbfdff";
  expect(await echo.call("{}", "type(res.value), res.value ~= res.value", value)).toBe('"number" true');
});
