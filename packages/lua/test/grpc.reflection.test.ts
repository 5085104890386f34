import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startGrpcLua } from "./support/grpc.ts";
import { type Call, type Http2Grpc, type Reply, startHttp2Grpc } from "./support/http2_grpc.ts";
import type { Lua } from "./support/lua.ts";
import { ROOT } from "./support/places.ts";
import { answered, asked, type File, file, filesOf, refused } from "./support/reflection.ts";

/** What protoc has made of the files beside it. */
const SET = join(ROOT, "runtimes/rust/clients/grpc/src/proto/protoc/protoc.pb");

let server: Http2Grpc;
let lua: Lua;
let answer: (call: Call) => Reply;

beforeAll(async () => {
  [server, lua] = await Promise.all([startHttp2Grpc((call) => answer(call)), startGrpcLua()]);
});
afterAll(async () => {
  await lua?.stop();
  await server?.close();
});

/** What the server was asked for. */
let questions: string[] = [];
/**
 * Serves reflection of these files, by the symbols and the extended types that they are asked by. Other calls are
 * answered with what they send, or with `bytes`.
 */
function serve(files: File[], symbols: Record<string, string>, bytes?: string): void {
  questions = [];
  answer = ({ path, message }) => {
    if (!path.includes("reflection.v1.")) {
      return path.includes("reflection") ? { status: 12 } : { messages: [bytes ? Buffer.from(bytes, "hex") : message] };
    }
    const question = asked(message);
    const symbol = question.symbol ?? question.extension ?? "";
    questions.push(question.file ?? symbol);
    const name = question.file ?? symbols[symbol];
    const found = files.find((file) => file.name === name);
    return { messages: [found ? answered([found]) : refused(5, `there is no ${name}`)] };
  };
}

/** A call by a connection of its own, so that nothing is known of the server, and the same once more. */
let connections = 0;
const call = (path: string, message: string, options = "") =>
  lua.run(`
    local conn = connect("${server.address}", { metadata = { ["x-number"] = "${++connections}" }, ${options} })
    local first = show(conn:unary("${path}", ${message}))
    local second = show(conn:unary("${path}", ${message}))
    return first == second and first or first .. " and then " .. second`);

const user = file("user.proto", "u", ["lib/item.proto"], { M: { item: ".lib.Item" } }, { S: { Do: ".u.M" } });
const lib = file("lib/item.proto", "lib", [], { Item: { name: "string" } }, {});
const holder = file(
  "holder.proto",
  "h",
  ["google/protobuf/any.proto"],
  { M: { any: ".google.protobuf.Any", text: "string" } },
  { S: { Do: ".h.M" } },
);

describe("reflection that lacks an import", () => {
  it("says which, and which file imports it", async () => {
    serve([user], { "u.S": "user.proto" });
    expect(await call("/u.S/Do", "{}")).toBe(
      'false 13 "the server\'s reflection cannot be used: it lacks \\"lib/item.proto\\", which \\"user.proto\\" imports: ' +
        "user.proto: name 'lib.Item' is not defined (there is no lib/item.proto)\"",
    );
    serve([user, lib], { "u.S": "user.proto" });
    expect(await call("/u.S/Do", '{ item = { name = "n" } }')).toBe('true {item={name="n"}} nil');
  });

  it("can be used if nothing of it is needed", async () => {
    const options = file("user.proto", "u", ["options.proto"], { M: { name: "string" } }, { S: { Do: ".u.M" } });
    serve([options], { "u.S": "user.proto" });
    expect(await call("/u.S/Do", '{ name = "n" }')).toBe('true {name="n"} nil');
  });
});

describe("reflection without end", () => {
  it("is given up", async () => {
    let asked = 0;
    answer = ({ path }) => {
      if (!path.includes("reflection.v1.")) return { status: 12 };
      const first = asked++ * 1000;
      const names = Array.from({ length: 1000 }, (_, k) => `f${first + k}.proto`);
      return { messages: [answered(names.map((name) => file(name, "f", [`f${first + 1000}.proto`], {}, {})))] };
    };
    expect(await call("/f.S/Do", "{}", "timeout = 20")).toBe(
      'false 13 "the server\'s reflection cannot be used: there are more than 10000 files"',
    );
  });
});

describe("a type that no file has", () => {
  const ITEM = `{ any = { ["@type"] = "t/lib.Item", name = "n" } }`;

  it("is asked of the server once, for what is sent and for what arrives", async () => {
    serve([holder, lib], { "h.S": "holder.proto", "lib.Item": "lib/item.proto" });
    expect(await call("/h.S/Do", ITEM)).toBe('true {any={@type="t/lib.Item",name="n"},text=""} nil');
    expect(questions).toEqual(["h.S", "lib.Item"]);
    serve(
      [holder, lib],
      { "h.S": "holder.proto", "lib.Item": "lib/item.proto" },
      "0a110a0a742f6c69622e4974656d12030a016e",
    );
    expect(await call("/h.S/Do", "{}")).toBe('true {any={@type="t/lib.Item",name="n"},text=""} nil');
    expect(questions).toEqual(["h.S", "lib.Item"]);
  });

  it("is bytes if the server does not know it either", async () => {
    serve([holder], { "h.S": "holder.proto" }, "0a110a0a742f6c69622e4974656d12030a016e");
    expect(await call("/h.S/Do", "{}")).toBe('true {any={@type="t/lib.Item",value="\\\\10\\1n"},text=""} nil');
    expect(questions).toEqual(["h.S", "lib.Item"]);
    expect(await call("/h.S/Do", ITEM)).toBe(
      'false -10 "any[\\"@type\\"]: names \\"t/lib.Item\\", which none of the loaded files has"',
    );
  });

  it("is found among the other services of the server", async () => {
    serve([holder, user, lib], { "h.S": "holder.proto", "u.S": "user.proto" });
    const text = await lua.run(`
      local conn = connect("${server.address}", { metadata = { ["x-number"] = "${++connections}" } })
      assert(conn:unary("/u.S/Do", {}))
      return show(conn:unary("/h.S/Do", ${ITEM}))`);
    expect(text).toBe('true {any={@type="t/lib.Item",name="n"},text=""} nil');
    expect(questions).toEqual(["u.S", "lib/item.proto", "h.S"]);
  });

  it("is asked for by a stream, too", async () => {
    serve([holder, lib], { "h.S": "holder.proto", "lib.Item": "lib/item.proto" });
    const text = await lua.run(`
      local conn = connect("${server.address}", { metadata = { ["x-number"] = "${++connections}" } })
      local ok, stream = conn:new_stream("/h.S/Do")
      assert(stream:send(${ITEM}) and stream:close_send())
      return show(stream:recv())`);
    expect(text).toBe('true {any={@type="t/lib.Item",name="n"},text=""}');
    expect(questions).toEqual(["h.S", "lib.Item"]);
  });

  it("is asked for the details of an error", async () => {
    serve([user, lib], { "u.S": "user.proto", "lib.Item": "lib/item.proto" });
    const reflected = answer;
    const details = Buffer.from("1a110a0a742f6c69622e4974656d12030a016e", "hex");
    answer = (call) => (call.path === "/u.S/Do" ? { status: 3, text: "bad", details } : reflected(call));
    const text = await lua.run(`
      assert(grpc.load([[syntax = "proto3"; package u; message M {} service S { rpc Do (M) returns (M); }]], "u.proto"))
      local conn = connect("${server.address}", { metadata = { ["x-number"] = "${++connections}" } })
      local _, code, _, meta = conn:unary("/u.S/Do", {}, { with_metadata = true })
      return show(code, meta.details)`);
    expect(text).toBe('3 {{@type="t/lib.Item",name="n"}}');
    expect(questions).toEqual(["lib.Item"]);
  });

  it("is not asked of a server without reflection = true", async () => {
    serve([lib], { "lib.Item": "lib/item.proto" }, "0a110a0a742f6c69622e4974656d12030a016e");
    const text = await lua.run(`
      assert(grpc.load([[syntax = "proto3"; package h; import "google/protobuf/any.proto";
        message M { google.protobuf.Any any = 1; } service S { rpc Do (M) returns (M); }]], "loaded.proto"))
      return show(connect("${server.address}", { reflection = false }):unary("/h.S/Do", {}))`);
    expect(text).toBe('true {any={@type="t/lib.Item",value="\\\\10\\1n"}} nil');
    expect(questions).toEqual([]);
  });
});

describe("an extension that no file has", () => {
  const options = filesOf(readFileSync(SET)).filter(({ name }) => name === "options.proto");
  const imports = ["google/protobuf/descriptor.proto"];
  const service = file("service.proto", "s", imports, {}, { S: { Do: ".google.protobuf.FieldOptions" } });
  const arrives = "{[options.of_field]={i=5,m={},s={}},edition_defaults={},targets={},uninterpreted_option={}}";

  it("is asked of the server by its number when it arrives", async () => {
    const files = { "s.S": "service.proto", "google.protobuf.FieldOptions": "options.proto" };
    serve([service, ...options], files, "8ab518020805");
    expect(await call("/s.S/Do", "{}")).toBe(`true ${arrives} nil`);
    expect(questions).toEqual(["s.S", "google.protobuf.FieldOptions"]);
  });

  it("is asked of the server by its name when it is sent", async () => {
    serve([service, ...options], { "s.S": "service.proto", "options.of_field": "options.proto" });
    expect(await call("/s.S/Do", "{ ['[options.of_field]'] = { i = 5 } }")).toBe(`true ${arrives} nil`);
    expect(questions).toEqual(["s.S", "options.of_field"]);
  });
});

describe("an edition", () => {
  it("is known by reflection", async () => {
    const files = filesOf(readFileSync(SET));
    const service = "edition2023.Service";
    const of = { [service]: "edition2023.proto" };
    serve(files, of, "18" + "05" + "330807" + "1801" + "34" + "22020102" + "7003");
    expect(await call(`/${service}/Do`, "{ required = 1 }")).toBe(
      "true {all={},by_number={},delimited={all={},by_number={},expanded={},explicit=7,implicit=0,many={},messages={},packed={},required=1," +
        "texts={}},expanded={},implicit=0,many={},messages={},packed={1,2},required=5,texts={}} nil",
    );
  });
});
