import { once } from "node:events";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { afterAll, beforeAll, expect, it } from "vitest";
import { grpcMessage, type HostileGrpc, startHostileGrpc } from "../src/index.ts";

let server: HostileGrpc;

beforeAll(async () => {
  server = await startHostileGrpc();
});
afterAll(() => server.stop());

/** A call by a client that knows HTTP/2: what arrives, and how the stream ends. */
async function call(): Promise<{
  headers?: IncomingHttpHeaders;
  body: string;
  trailers?: IncomingHttpHeaders;
  code: number;
}> {
  const session = connect(`http://${server.address}`).on("error", () => {});
  const stream = session.request({ ":method": "POST", ":path": "/a.B/C" }).on("error", () => {});
  const got: Awaited<ReturnType<typeof call>> = { body: "", code: 0 };
  stream.on("response", (headers) => {
    got.headers = headers;
  });
  stream.on("trailers", (trailers) => {
    got.trailers = trailers;
  });
  stream.on("data", (part: Buffer) => {
    got.body += part.toString("latin1");
  });
  stream.end(grpcMessage(Buffer.alloc(0)));
  await once(stream, "close");
  session.destroy();
  return { ...got, code: stream.rstCode ?? 0 };
}

it("sends what HTTP/2 has, however large", async () => {
  server.answer = (call) => {
    call.ok(["x-large", "v".repeat(40_000)]);
    call.data(grpcMessage(Buffer.alloc(20_000, "b")));
    call.trailers([
      ["grpc-status", "5"],
      ["x-twice", "a"],
      ["x-twice", "b"],
    ]);
  };
  const got = await call();
  expect(got.headers).toMatchObject({ ":status": 200, "x-large": "v".repeat(40_000) });
  expect(got.body).toBe(`\0\0\0\x4e\x20${"b".repeat(20_000)}`);
  expect(got.trailers).toMatchObject({ "grpc-status": "5", "x-twice": "a, b" });
});

it("ends streams and connections as it is told", async () => {
  server.answer = (call) => call.reset(8);
  expect(await call()).toMatchObject({ code: 8 });
  const calls = server.calls;
  server.answer = (call) => call.cut();
  expect(await call()).toEqual({ body: "", code: expect.any(Number) });
  expect(server.calls).toBe(calls + 1);
});

it("knows that its client has gone", async () => {
  let over: Promise<void> | undefined;
  server.answer = (call) => {
    over = call.over;
  };
  const session = connect(`http://${server.address}`).on("error", () => {});
  const stream = session.request({ ":method": "POST" }).on("error", () => {});
  await expect.poll(() => over !== undefined, { timeout: 20_000 }).toBe(true);
  stream.close(8);
  await over;
  session.destroy();
});
