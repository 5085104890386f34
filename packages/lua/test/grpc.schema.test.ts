import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startGrpcLua } from "./support/grpc.ts";
import { type Http2Grpc, startHttp2Grpc } from "./support/http2_grpc.ts";
import type { Lua } from "./support/lua.ts";
import { ROOT } from "./support/places.ts";

/** Files, and what protoc has made of them. */
const PROTOC = join(ROOT, "runtimes/rust/clients/grpc/src/proto/protoc");

let folder: string;
let echo: Http2Grpc;
let lua: Lua;
/** What the server last got. */
let got = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "resty-ffi-schema-"));
  echo = await startHttp2Grpc(({ message }) => {
    got = message.toString("hex");
    return { messages: [message] };
  });
  lua = await startGrpcLua();
});
afterAll(async () => {
  await lua?.stop();
  await echo?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Calls a method of the files in a Lua VM that has loaded these and no others; a Buffer is one of them as it is. */
async function call(files: Record<string, string | Buffer>, path: string, message: string): Promise<string> {
  const names = Object.keys(files).map((name) => {
    writeFileSync(join(folder, name), files[name] as string | Buffer);
    return join(folder, name);
  });
  return loaded(names, path, message);
}

async function loaded(paths: string[], path: string, message: string): Promise<string> {
  return lua.run(`
    package.loaded["resty.ffi.grpc.files"], package.loaded["resty.ffi.grpc"] = nil, nil
    local grpc = require "resty.ffi.grpc"
    for _, path in ipairs { ${paths.map((path) => `"${path}"`).join(", ")} } do assert(grpc.loadfile(path)) end
    local _, conn = grpc.connect("${echo.address}", { reflection = false })
    return show(conn:unary("${path}", ${message}))`);
}

const SERVICE = "message M { int32 a = 1; } service S { rpc Do (M) returns (M); }";

describe("a file", () => {
  it("may begin with a byte order mark, and have comments in any encoding", async () => {
    const text = Buffer.concat([
      Buffer.from('\ufeffsyntax = "proto3"; // '),
      Buffer.from("dcf6ff", "hex"),
      Buffer.from(`\n/* `),
      Buffer.from("80", "hex"),
      Buffer.from(` */ ${SERVICE}`),
    ]);
    expect(await call({ "odd.proto": text }, "/S/Do", "{ a = 7 }")).toBe("true {a=7} nil");
  });

  it("may have foo_bar beside fooBar in proto2, and each has its own name", async () => {
    const text = `message M { optional int32 fooBar = 1; optional int32 foo_bar = 2; } service S { rpc Do (M) returns (M); }`;
    expect(await call({ "two.proto": text }, "/S/Do", "{ fooBar = 1, foo_bar = 2 }")).toBe(
      "true {fooBar=1,foo_bar=2} nil",
    );
    expect(got).toMatch(/^(08011002|10020801)$/);
  });

  it("that cannot be used costs no other", async () => {
    const files = {
      "entry.proto": "message M { message FooEntry { option map_entry = true; } repeated FooEntry foo = 1; }",
      "deep.proto": `${"message M { ".repeat(10000)}${"}".repeat(10000)}`,
      "torn.proto": "message {",
      "good.proto": `syntax = "proto3"; ${SERVICE}`,
    };
    expect(await call(files, "/S/Do", "{ a = 7 }")).toBe("true {a=7} nil");
    expect(await loaded([join(folder, "entry.proto")], "/S/Do", "{}")).toContain("entry.proto:1:51: map_entry");
    expect(await loaded([join(folder, "deep.proto")], "/S/Do", "{}")).toContain("deep.proto:1:");
  });
});

describe("types of other files", () => {
  const ANY = `syntax = "proto3"; package h; import "google/protobuf/any.proto";
    message M { google.protobuf.Any any = 1; } service S { rpc Do (M) returns (M); }`;
  const ITEM = 'syntax = "proto3"; package lib; message Item { string name = 1; Item item = 2; }';

  it("are known in an Any", async () => {
    const files = { "any.proto": ANY, "item.proto": ITEM };
    const item = '{ any = { ["@type"] = "t/lib.Item", item = { name = "n" } } }';
    expect(await call(files, "/h.S/Do", item)).toBe('true {any={@type="t/lib.Item",item={name="n"},name=""}} nil');
    expect(got).toBe("0a130a0a742f6c69622e4974656d120512030a016e");
  });

  it("are known as extensions", async () => {
    const files = {
      "base.proto": "package p; message M { extensions 100 to 199; } service S { rpc Do (M) returns (M); }",
      "more.proto":
        'package q; import "base.proto"; extend p.M { optional N n = 100; } message N { optional string text = 1; }',
    };
    expect(await call(files, "/p.S/Do", "{ ['[q.n]'] = { text = 'x' } }")).toBe('true {[q.n]={text="x"}} nil');
    expect(got).toBe("a206030a0178");
  });
});

describe("an edition", () => {
  const SEND = "{ required = 1, packed = { 1, 2 }, expanded = { 1, 2 }, delimited = { required = 2 }, closed = 'TWO' }";
  const BACK =
    'true {all={},by_number={},closed="TWO",delimited={all={},by_number={},expanded={},implicit=0,many={},messages={},' +
    "packed={},required=2,texts={}},expanded={1,2},implicit=0,many={},messages={},packed={1,2},required=1,texts={}} nil";

  it.each([
    ["a text", join(PROTOC, "edition2023.proto")],
    ["a descriptor set of protoc", join(PROTOC, "protoc.pb")],
  ])("may be %s", async (_, path) => {
    expect(await loaded([path], "/edition2023.Service/Do", SEND)).toBe(BACK);
    const fields = ["1801", "22020102", "28012802", "33180234", "7002"];
    expect(fields.filter((field) => !got.includes(field))).toEqual([]);
    expect(got).toHaveLength(fields.join("").length);
  });

  it("checks strings unless its features say otherwise", async () => {
    const path = join(PROTOC, "edition2023.proto");
    expect(await loaded([path], "/edition2023.Service/Do", "{ required = 1, unchecked = '\\255' }")).toContain(
      'unchecked="\\255"',
    );
    expect(await loaded([path], "/edition2023.Service/Do", "{ required = 1, checked = '\\255' }")).toMatch(
      /^false -10 "checked: must be valid UTF-8/,
    );
  });
});
