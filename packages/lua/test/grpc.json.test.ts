import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Echo, startEcho } from "./support/grpc_echo.ts";
import { ACCEPTED, DIFFERENT, ON_THE_WIRE } from "./support/json_cases.ts";
import { PROTO } from "./support/json_proto.ts";
import { REFUSED } from "./support/json_refused.ts";

let echo: Echo;
beforeAll(async () => {
  echo = await startEcho(PROTO);
});
afterAll(() => echo?.stop());

/** What a JSON parser for Lua makes of a value, as an expression; an empty list is marked as one. */
function lua(value: unknown): string {
  if (value === null) return "ngx.null";
  if (typeof value === "string") {
    return `"${[...Buffer.from(value)].map((byte) => `\\${String(byte).padStart(3, "0")}`).join("")}"`;
  }
  if (Array.isArray(value)) return `list { ${value.map(lua).join(", ")} }`;
  if (typeof value !== "object") return String(value);
  return `{ ${Object.entries(value)
    .map(([key, item]) => `[${lua(key)}] = ${lua(item)}`)
    .join(", ")} }`;
}

const call = (method: string, json: string, read: string) =>
  echo.run(`
    local mt = require "resty.ffi.lists".mt
    local function list(t) return setmetatable(t, mt) end
    local ok, res, err = conn:unary("/json.Echo/${method}", ${lua(JSON.parse(json))})
    if not ok then return res .. " " .. err end
    return show(${read})`);

describe("accepted as protobuf's JSON says", () => {
  it.each(ACCEPTED)("%s", async (_, json, read, result) => {
    expect(await call("Echo", json, read)).toBe(result);
  });
});

describe("refused as protobuf's JSON says", () => {
  it.each(REFUSED)("%s", async (_, json, error) => {
    const answer = await call("Echo", json, "res");
    expect(answer).toMatch(/^-10 /);
    expect(answer).toContain(error);
  });
});

describe("nested too deep", () => {
  it.each([
    ["ListValueDeepNesting200", "{ v }"],
    ["ValueDeepNesting200", "{ n = v }"],
  ])("%s", async (_, around) => {
    const value = `(function() local v = 1 for _ = 1, 200 do v = ${around} end return v end)()`;
    expect(await echo.call(`{ optional_value = ${value} }`, "res")).toMatch(/^-10 .*nested deeper than 100/);
  });
});

describe("on the wire", () => {
  it.each(ON_THE_WIRE)("%s", async (_, json, read, result) => {
    expect(await call("ToRaw", json, read)).toBe(result);
  });
});

describe("what JSON has no text for, and Lua gets as it is", () => {
  it.each(DIFFERENT)("%s", async (_, json, read, result) => {
    expect(await call("FromRaw", json, read)).toBe(result);
  });
});

it.each([
  ["a string", "7201ff"],
  ["a string of a Value", "9213031a01ff"],
  ["a name of a Struct", "8213070a050a01ff1200"],
])("invalid UTF-8 in %s that arrives is not a message", async (_, bytes) => {
  expect(await echo.call("{}", "res", bytes)).toMatch(/^13 .*json\.All/);
});

it("an empty table that is marked as a list is an empty message, map or list, as the type wants", async () => {
  const empty = 'setmetatable({}, require "resty.ffi.lists".mt)';
  const message = `{ optional_nested_message = ${empty}, map_bool_bool = ${empty}, optional_struct = ${empty}, optional_empty = ${empty} }`;
  expect(await echo.call(message, "res.optional_nested_message, res.optional_struct, res.optional_empty")).toBe(
    "{a=0} {} {}",
  );
  expect(await echo.call(empty, "res.optional_empty")).toBe("nil");
});

describe("tables of the fields, where a text is usual", () => {
  it.each([
    ["optional_timestamp = { seconds = 1, nanos = 5 }", "res.optional_timestamp", '"1970-01-01T00:00:01.000000005Z"'],
    ["optional_duration = { seconds = -1, nanos = -5 }", "res.optional_duration", '"-1.000000005s"'],
    ["optional_duration = {}", "res.optional_duration", '"0s"'],
    ["optional_field_mask = { paths = { '*', 'a_b' } }", "res.optional_field_mask", '{paths={"*","a_b"}}'],
    ["optional_any = { type_url = 'x', value = 'y' }", "res.optional_any", '{type_url="x",value="y"}'],
  ])("%s", async (field, read, result) => {
    expect(await echo.call(`{ ${field} }`, read)).toBe(result);
  });

  it.each([
    ["optional_timestamp = { seconds = 253402300800 }", "not 253402300800 seconds and 0 nanos"],
    ["optional_timestamp = { nanos = -1 }", "not 0 seconds and -1 nanos"],
    ["optional_duration = { seconds = 1, nanos = -1 }", "not 1 seconds and -1 nanos"],
    ["optional_duration = { seconds = 1, millis = 1 }", "optional_duration: google.protobuf.Duration has no field"],
    ["map_int32_int32 = { [1] = 1, ['1'] = 2 }", "map_int32_int32: the key 1 is given twice"],
    ["map_bool_bool = { [true] = true, ['true'] = false }", "map_bool_bool: the key 1 is given twice"],
    ["map_int64_int64 = { [1LL] = 1, [1] = 2 }", "map_int64_int64: the key 1 is given twice"],
    ["optional_value = 0/0", "optional_value: must be a number that JSON has, not the number NaN"],
    ["optional_string = 'a\\237\\160\\128'", "optional_string: must be valid UTF-8"], // half of a surrogate pair
    ["optional_struct = { 1 }", "optional_struct: must be a table with names, not a list"],
  ])("%s is refused", async (field, error) => {
    const answer = await echo.call(`{ ${field} }`, "res");
    expect(answer).toMatch(/^-10 /);
    expect(answer).toContain(error);
  });
});
