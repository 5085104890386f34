import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startGrpcLua } from "./support/grpc.ts";
import { type Call, type Http2Grpc, type Reply, startHttp2Grpc } from "./support/http2_grpc.ts";
import type { Lua } from "./support/lua.ts";
import { answered, asked, type File, file, refused } from "./support/reflection.ts";

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

/** Serves reflection of these files, by the symbols that they are asked by, and gives back what it is sent. */
function serve(files: File[], symbols: Record<string, string>): void {
  answer = ({ path, message }) => {
    if (!path.includes("reflection.v1.")) return path.includes("reflection") ? { status: 12 } : { messages: [message] };
    const question = asked(message);
    const name = question.file ?? symbols[question.symbol ?? ""];
    const found = files.find((file) => file.name === name);
    return { messages: [found ? answered([found]) : refused(5, `there is no ${name}`)] };
  };
}

/** A call by a connection of its own, so that nothing is known of the server. */
let connections = 0;
const call = (path: string, message: string) =>
  lua.run(`
    local conn = connect("${server.address}", { metadata = { ["x-number"] = "${++connections}" } })
    return show(conn:unary("${path}", ${message}))`);

describe("reflection that lacks an import", () => {
  it("says which, and which file imports it", async () => {
    const user = file("user.proto", "u", ["lib/item.proto"], { M: { item: ".lib.Item" } }, { S: { Do: ".u.M" } });
    const lib = file("lib/item.proto", "lib", [], { Item: { name: "string" } }, {});
    serve([user], { "u.S": "user.proto" });
    expect(await call("/u.S/Do", "{}")).toBe(
      'false 13 "the server\'s reflection cannot be used: it lacks \\"lib/item.proto\\", which \\"user.proto\\" imports (there is no lib/item.proto)"',
    );
    serve([user, lib], { "u.S": "user.proto" });
    expect(await call("/u.S/Do", '{ item = { name = "n" } }')).toBe('true {item={name="n"}} nil');
  });
});
