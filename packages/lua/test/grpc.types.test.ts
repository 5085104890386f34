import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startGrpcLua } from "./support/grpc.ts";
import { type Http2Grpc, startHttp2Grpc } from "./support/http2_grpc.ts";
import type { Lua } from "./support/lua.ts";

const ALL = `
syntax = "proto3";
package all;
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "other/two.proto";
service Echo {
  rpc Echo (All) returns (All);
  rpc Two (two.Two) returns (two.Two);
}
enum Colour { RED = 0; GREEN = 1; BLUE = 5; }
message All {
  int32 an_int32 = 1; int64 an_int64 = 2; uint32 a_uint32 = 3; uint64 a_uint64 = 4;
  sint32 a_sint32 = 5; sint64 a_sint64 = 6; fixed32 a_fixed32 = 7; fixed64 a_fixed64 = 8;
  sfixed32 a_sfixed32 = 9; sfixed64 a_sfixed64 = 10; float a_float = 11; double a_double = 12;
  bool a_bool = 13; string a_string = 14; bytes some_bytes = 15; Colour colour = 16;
  All child = 17;
  repeated int32 numbers = 18; repeated string words = 19; repeated All children = 20; repeated Colour colours = 21;
  map<string, int32> counts = 22; map<int32, string> names = 23; map<bool, All> flags = 24; map<int64, bytes> wide = 25;
  oneof choice { string by_name = 26; int32 by_number = 27; All by_all = 28; }
  optional int32 maybe = 29;
  google.protobuf.Timestamp at = 30; google.protobuf.Duration took = 31; google.protobuf.FieldMask mask = 32;
  google.protobuf.Struct object = 33; google.protobuf.Value value = 34; google.protobuf.ListValue list = 35;
  google.protobuf.Int64Value wrapped = 36; google.protobuf.StringValue name = 37; google.protobuf.BytesValue blob = 38;
  google.protobuf.Any any = 39; google.protobuf.Empty empty = 40; repeated google.protobuf.BoolValue answers = 41;
  repeated double doubles = 42; repeated fixed32 fixed = 43;
}`;
const TWO = `
syntax = "proto2";
package two;
message Two {
  required string id = 1;
  optional int32 count = 2 [default = 7];
  repeated int32 loose = 3;
  optional group Inner = 4 { optional string text = 1; }
  enum Kind { ONE = 1; SECOND = 2; }
  optional Kind kind = 5;
  extensions 100 to 199;
}
extend Two { optional string more = 100; }`;

let folder: string;
let echo: Http2Grpc;
let lua: Lua;
/** What the server last got, and what it is to answer instead of it. */
let got: Buffer = Buffer.alloc(0);
let instead: Buffer | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "resty-ffi-protos-"));
  writeFileSync(join(folder, "all.proto"), ALL);
  echo = await startHttp2Grpc(({ message }) => {
    got = message;
    return { messages: [instead ?? message] };
  });
  lua = await startGrpcLua();
});
afterAll(async () => {
  await lua?.stop();
  await echo?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What comes back of a message: the fields that `pick` names, or what is wrong. */
const call = (message: string, method = "Echo") =>
  lua.run(`
    assert(grpc.load([==[${TWO}]==], "other/two.proto"))
    assert(grpc.loadfile("${folder}/all.proto"))
    local ok, res, err = connect("${echo.address}"):unary("/all.Echo/${method}", ${message})
    if not ok then return res .. " " .. err end
    local sent = {}
    for key in pairs(type(${message}) == "table" and ${message} or {}) do sent[key] = res[key] end
    return show(sent)`);
const hex = () => got.toString("hex");
/** Fields of the table that these bytes arrive as. */
async function answered(bytes: string, fields: string): Promise<string> {
  instead = Buffer.from(bytes, "hex");
  try {
    return await lua.run(`
      local ok, res, err = connect("${echo.address}"):unary("/all.Echo/Echo", {})
      return ok and show(${fields}) or res .. " " .. err`);
  } finally {
    instead = undefined;
  }
}

describe("numbers", () => {
  it.each([
    ["an_int32 = -5", "08fbffffffffffffffff01"],
    ["an_int32 = 2147483647", "08ffffffff07"],
    ["an_int64 = -1", "10ffffffffffffffffff01"],
    ["a_uint32 = 4294967295", "18ffffffff0f"],
    ["a_sint32 = -1", "2801"],
    ["a_sint64 = 1", "3002"],
    ["a_fixed32 = 1", "3d01000000"],
    ["a_fixed64 = 1", "410100000000000000"],
    ["a_sfixed32 = -1", "4dffffffff"],
    ["a_sfixed64 = -1", "51ffffffffffffffff"],
    ["a_float = 1.5", "5d0000c03f"],
    ["a_double = 0.1", "619a9999999999b93f"],
    ["a_bool = true", "6801"],
    ["numbers = {1,2,300}", "9201040102ac02"],
    ["doubles = {0.5,2}", "d20210000000000000e03f0000000000000040"],
    ["fixed = {1}", "da020401000000"],
  ])("%s", async (field, bytes) => {
    expect(await call(`{ ${field} }`)).toBe(`{${field.replace(" = ", "=")}}`);
    expect(hex()).toBe(bytes);
  });

  it("of 64 bits are numbers while that is exact, else decimal strings; both are taken, as are cdata", async () => {
    expect(await call('{ an_int64 = "9223372036854775807", a_uint64 = "18446744073709551615" }')).toBe(
      '{a_uint64="18446744073709551615",an_int64="9223372036854775807"}',
    );
    expect(await call("{ an_int64 = -9223372036854775807LL - 1, a_uint64 = 18446744073709551615ULL }")).toBe(
      '{a_uint64="18446744073709551615",an_int64="-9223372036854775808"}',
    );
    expect(await call('{ an_int64 = "12", an_int32 = "-3", a_double = "1.5", a_float = "Infinity" }')).toBe(
      "{a_double=1.5,a_float=inf,an_int32=-3,an_int64=12}",
    );
  });

  it.each([
    ["an_int32 = 2147483648", "an_int32: must be an int32 or its decimal text, not the number 2147483648"],
    ["an_int32 = 1.5", "an_int32: must be an int32 or its decimal text, not the number 1.5"],
    ['an_int32 = "x"', 'an_int32: must be an int32 or its decimal text, not the text "x"'],
    ["an_int32 = {}", "an_int32: must be an int32 or its decimal text, not a table"],
    ["an_int32 = true", "an_int32: must be an int32 or its decimal text, not a boolean"],
    ["a_uint32 = -1", "a_uint32: must be a uint32 or its decimal text, not the number -1"],
    ["a_uint64 = 2^64", "a_uint64: must be a uint64 or its decimal text, not the number 18446744073709552000"],
    ["an_int64 = 0/0", "an_int64: must be an int64 or its decimal text, not the number NaN"],
    ["a_float = 1e300", `a_float: must be a float or its decimal text, not the number 1${"0".repeat(300)}`],
    ["a_bool = 1", "a_bool: must be a boolean, not the number 1"],
    ["numbers = { 1, false }", "numbers[2]: must be an int32 or its decimal text, not a boolean"],
    ["numbers = 1", "numbers: must be a list, not the number 1"],
    ["numbers = { x = 1 }", "numbers: must be a list, whose keys are 1, 2, 3 …, not a table with other keys"],
  ])("%s is refused", async (field, text) => {
    expect(await call(`{ ${field} }`)).toBe(`-10 ${text}`);
  });
});

describe("texts", () => {
  it("are bytes in bytes, as they are, and UTF-8 in strings", async () => {
    expect(await call('{ some_bytes = "\\0\\255", a_string = "\\195\\164" }')).toBe(
      '{a_string="\\195\\164",some_bytes="\\0\\255"}',
    );
    expect(await call('{ a_string = "a\\255" }')).toMatch(/^-10 a_string: must be valid UTF-8/);
    expect(await call('{ words = { "a", "\\255" } }')).toMatch(/^-10 words\[2\]: must be valid/);
    expect(await call('{ names = { [7] = "\\255" } }')).toMatch(/^-10 names\[7\]: must be valid/);
    expect(await call('{ counts = { ["\\255"] = 1 } }')).toMatch(/^-10 counts: the key must be valid/);
    expect(await call("{ a_string = 1 }")).toBe("-10 a_string: must be a string, not the number 1");
  });
});

describe("messages", () => {
  it("nest, and have the names of the file or of JSON", async () => {
    expect(await call("{ child = { child = { anInt32 = 4 } } }")).toContain("an_int32=4");
    expect(hex()).toBe("8a01058a01020804");
    expect(await call("{ anInt32 = 4, an_int32 = 4 }")).toBe(
      "-10 an_int32: is given twice, by its name in the file and that in JSON",
    );
  });

  it("have no other fields than theirs", async () => {
    expect(await call("{ child = { no = 1 } }", "Echo")).toMatch(
      /^-10 child: all.All has no field "no"; its fields are: an_int32, an_int64, .* and 13 more$/,
    );
    expect(await call("{ 1 }")).toBe("-10 the message: must be a table of the fields of all.All, not a list");
    expect(await call('"x"')).toBe("-10 the message: must be a table of the fields of all.All, not a string");
    expect(await call("{ child = 1 }")).toBe("-10 child: must be a table of the fields of all.All, not the number 1");
    expect(await call("{ [7] = 1 }")).toBe(
      "-10 the message: a key must be the name of a field of all.All, not the number 7",
    );
    expect(await call("{ a_string = print }")).toMatch(/^-10 a function cannot be sent/);
  });

  it("are not nested for ever", async () => {
    expect(await call("(function() local m = {} for _ = 1, 95 do m = { child = m } end return m end)()")).toContain(
      "child={",
    );
    expect(await call("(function() local m = {} for _ = 1, 150 do m = { child = m } end return m end)()")).toMatch(
      /^-10 .*deeper than 100/,
    );
  });

  it("that arrive in lists of each other are two tables each", async () => {
    const nested = (depth: number) => {
      let bytes = Buffer.alloc(0);
      for (let n = 0; n < depth; n++) {
        const length = bytes.length < 128 ? [bytes.length] : [128 | (bytes.length & 127), bytes.length >> 7];
        bytes = Buffer.concat([Buffer.from([0xa2, 0x01, ...length]), bytes]); // children
      }
      return bytes.toString("hex");
    };
    expect(await answered(nested(45), "res.children[1]")).toContain("children=");
    expect(await answered(nested(60), "res")).toBe("-6 the answer is nested deeper than 100 tables");
  });

  it("that are empty are empty tables, and so are lists and maps", async () => {
    expect(await call("{ child = {}, numbers = {}, counts = {}, empty = {}, object = {}, list = {} }")).toContain(
      "empty={},list={},numbers={},object={}",
    );
    // Four messages without content, in whatever order Lua has them; lists and maps leave no trace.
    const sent = hex().match(/.{6}/g)?.sort();
    expect(sent).toEqual(["8a0100", "8a0200", "9a0200", "c20200"]);
  });

  it("arrive with the defaults of what has no presence, and without the rest", async () => {
    const res = await lua.run(`
      local res = select(2, connect("${echo.address}"):unary("/all.Echo/Echo", {}))
      return show(res)`);
    expect(res).toBe(
      '{a_bool=false,a_double=0,a_fixed32=0,a_fixed64=0,a_float=0,a_sfixed32=0,a_sfixed64=0,a_sint32=0,a_sint64=0,a_string="",' +
        'a_uint32=0,a_uint64=0,an_int32=0,an_int64=0,answers={},children={},colour="RED",colours={},counts={},doubles={},' +
        'fixed={},flags={},names={},numbers={},some_bytes="",wide={},words={}}',
    );
    expect(await call("{ maybe = 0 }")).toBe("{maybe=0}");
    expect(await call("{ an_int32 = ngx.null, child = ngx.null }")).toBe("{an_int32=0}");
  });

  it("may come in parts and in any order, with fields that are not known", async () => {
    expect(await answered("8a010208018a01021002", "res.child.an_int32, res.child.an_int64")).toBe("1 2");
    expect(await answered("9001059201020607" + "98060a" + "0d01000000", "res.numbers, res.an_int32")).toBe("{5,6,7} 0");
    expect(await answered("d2010161d80107", "res.by_name, res.by_number")).toBe("nil 7");
  });

  it("that are not messages are reported", async () => {
    for (const bytes of ["08", "0a05", "0b", "00", "ff".repeat(11), "8a0103080107"]) {
      expect(await answered(bytes, "res")).toMatch(/^13 the server's answer is not a valid all.All/);
    }
  });
});

describe("enums", () => {
  it("are names or numbers, and arrive as names where there is one", async () => {
    expect(await call('{ colour = "BLUE" }')).toBe('{colour="BLUE"}');
    expect(await call("{ colour = 1, colours = { 0, 77, 'GREEN' } }")).toBe(
      '{colour="GREEN",colours={"RED",77,"GREEN"}}',
    );
    expect(await call('{ colour = "PINK" }')).toBe(
      '-10 colour: must be a value of all.Colour (RED, GREEN, BLUE) or its number, not "PINK"',
    );
  });
});

describe("maps", () => {
  it("have keys of their type", async () => {
    expect(await call("{ counts = { a = 1, b = 2 } }")).toBe("{counts={a=1,b=2}}");
    expect(await call("{ names = { [7] = 'seven', [-1] = 'minus' } }")).toBe('{names={-1="minus",7="seven"}}');
    expect(await call("{ names = { 'one', 'two' } }")).toBe('{names={"one","two"}}');
    expect(await call("{ names = { ['5'] = 'five' } }")).toBe('{names={5="five"}}');
    expect(await call("{ flags = { [true] = { an_int32 = 1 } } }")).toContain("true={");
    expect(await call("{ wide = { ['9223372036854775807'] = '\\0' } }")).toBe('{wide={9223372036854775807="\\0"}}');
    expect(await call("{ names = { x = 'y' } }")).toBe(
      '-10 names: the key must be an int32 or its decimal text, not the text "x"',
    );
    expect(await call("{ counts = { a = 'b' } }")).toBe(
      '-10 counts["a"]: must be an int32 or its decimal text, not the text "b"',
    );
  });
});

describe("a oneof", () => {
  it("has one of its fields", async () => {
    expect(await call('{ by_name = "" }')).toBe('{by_name=""}');
    expect(await call("{ by_number = 0 }")).toBe("{by_number=0}");
    expect(await call('{ by_name = "a", by_number = 1 }')).toBe(
      '-10 the message: the fields "by_name" and "by_number" of all.All exclude each other (oneof choice): set one of them',
    );
  });
});

describe("google.protobuf", () => {
  it.each([
    ["at = '2026-01-31T12:00:00.5Z'", 'at="2026-01-31T12:00:00.500Z"'],
    ["at = { seconds = 1, nanos = 0 }", 'at="1970-01-01T00:00:01Z"'],
    ["took = '1.5s'", 'took="1.500s"'],
    ["took = '-3s'", 'took="-3s"'],
    ["mask = 'aB,c.dE'", 'mask="aB,c.dE"'],
    ["object = { a = { 1, 'x', true }, b = { c = 2.5 } }", 'object={a={1,"x",true},b={c=2.5}}'],
    ["value = 'x'", 'value="x"'],
    ["value = { 1, ngx.null, { a = false } }", "value={1,null,{a=false}}"],
    ["list = { 1, { 2 } }", "list={1,{2}}"],
    ["wrapped = 0", "wrapped=0"],
    ["name = ''", 'name=""'],
    ["blob = '\\0'", 'blob="\\0"'],
    ["answers = { true, false }", "answers={true,false}"],
    [
      "any = { ['@type'] = 'type.googleapis.com/google.protobuf.Duration', value = '1s' }",
      'any={@type="type.googleapis.com/google.protobuf.Duration",value="1s"}',
    ],
    ["any = { ['@type'] = 't/two.Two', id = 'x' }", 'any={@type="t/two.Two",id="x",loose={}}'],
    ["any = { ['@type'] = 't/unknown.X', value = '\\8\\1' }", 'any={@type="t/unknown.X",value="\\8\\1"}'],
  ])("%s", async (field, back) => {
    expect(await call(`{ ${field} }`)).toBe(`{${back}}`);
  });

  it("is on the wire what it is for others", async () => {
    await call("{ at = '1970-01-01T00:00:01.5Z' }");
    expect(hex()).toBe("f20108" + "0801" + "1080cab5ee01");
    await call("{ wrapped = 5 }");
    expect(hex()).toBe("a202020805");
    await call("{ mask = 'aB' }");
    expect(hex()).toBe("8202050a03615f62");
    await call("{ value = ngx.null }");
    expect(hex()).toBe("9202020800");
  });

  it.each([
    ["at = 'noon'", 'at: must be a time such as "2026-01-31T12:00:00.5Z", of the years 1 to 9999, not "noon"'],
    ["at = 5", 'at: must be a time such as "2026-01-31T12:00:00.5Z", of the years 1 to 9999, not the number 5'],
    ["took = '5'", 'took: must be seconds such as "1.5s", of at most 315576000000, not "5"'],
    ["mask = 5", 'mask: must be paths in lowerCamelCase such as "name,home.cityName", not the number 5'],
    ["wrapped = 'x'", 'wrapped: must be an int64 or its decimal text, not the text "x"'],
    ["value = 0/0", "value: must be a number that JSON has, not the number NaN"],
    ["object = { 1 }", "object: must be a table with names, not a list"],
    ["any = { ['@type'] = 't/unknown.X' }", 'any["@type"]: names "t/unknown.X", which none of the loaded files has'],
  ])("%s is refused", async (field, text) => {
    expect(await call(`{ ${field} }`)).toBe(`-10 ${text}`);
  });
});

describe("proto2", () => {
  it("has required fields, groups, closed enums, extensions, and no defaults in what arrives", async () => {
    expect(await call("{ count = 1 }", "Two")).toBe("-10 id: is required in two.Two");
    expect(await call("{ id = 'x', kind = 3 }", "Two")).toMatch(/^-10 kind: must be a value of/);
    expect(
      await call(
        "{ id = 'x', loose = { 1, 2 }, inner = { text = 't' }, ['[two.more]'] = 'm', kind = 'SECOND' }",
        "Two",
      ),
    ).toBe('{[two.more]="m",id="x",inner={text="t"},kind="SECOND",loose={1,2}}');
    expect(await lua.run(`return show(connect("${echo.address}"):unary("/all.Echo/Two", { id = "x" }))`)).toBe(
      'true {id="x",loose={}} nil',
    );
  });
});
