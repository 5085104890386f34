import { type Fields, grpcMessage, type HostileCall, type HostileGrpc, startHostileGrpc } from "@resty-ffi/services";
import { expect } from "vitest";
import { startGrpcLua } from "./grpc.ts";

export type Answer = (call: HostileCall) => void | Promise<void>;

/** An EchoResponse. */
export const echo = (text: string) => Buffer.concat([Buffer.from([0x0a, text.length]), Buffer.from(text)]);
/** A message of gRPC with "hi". */
export const HI = grpcMessage(echo("hi"));
/** The headers of a page. */
export const html = (status: number): Fields => [
  [":status", String(status)],
  ["content-type", "text/html"],
];
export const page: (status: number) => Answer = (status) => (call) => {
  call.headers(html(status));
  call.data(Buffer.from("<html><title>no gRPC</title></html>"), true);
};
/** A message, and these trailers. */
export const endsWith: (...trailers: Fields) => Answer =
  (...trailers) =>
  (call) => {
    call.ok();
    call.data(HI);
    call.trailers(trailers);
  };
export const resets: (code: number) => Answer = (code) => (call) => call.reset(code);

/** The kinds of methods with one answer, and with many. */
export const ONE = ["Unary", "ClientStreaming"];
export const MANY = ["ServerStreaming", "BidirectionalStreaming"];

/** Defines ended(conn, kind): see grpc_ends.lua. */
export const CHUNK = `
  assert(grpc.loadfile(P .. "echo.proto"))
  local ended = require "support.grpc_ends"`;

export interface Ends {
  readonly server: HostileGrpc;
  /** How a call of this kind ends. */
  end(answer: Answer, kind: string, options?: string, to?: HostileGrpc): Promise<string>;
  /** Checks how calls of every kind end; those with many answers give `before` first. */
  ends(answer: Answer, text: string | RegExp, before?: string, options?: string): Promise<void>;
  /** Runs a chunk that knows what CHUNK has. */
  run(chunk: string): Promise<string>;
  stop(): Promise<void>;
}

/** An nginx, and a server that answers it as it is told. In what comes back "SERVER" stands for its address. */
export async function startEnds(): Promise<Ends> {
  const [server, lua] = await Promise.all([startHostileGrpc(), startGrpcLua()]);
  const run = async (chunk: string) => (await lua.run(`${CHUNK}\n${chunk}`)).replaceAll(server.address, "SERVER");
  const end: Ends["end"] = async (answer, kind, options = "", to = server) => {
    to.answer = answer;
    const text = await run(`
      return ended(connect("${to.address}", { timeout = 20, wait_for_ready = true, ${options} }), "${kind}")`);
    return text.replaceAll(to.address, "SERVER");
  };
  const ends: Ends["ends"] = async (answer, text, before = "", options = "") => {
    const wanted = typeof text === "string" ? exactly(text) : text;
    for (const kind of ONE) expect(await end(answer, kind, options), kind).toMatch(wanted);
    for (const kind of MANY) {
      const got = await end(answer, kind, options);
      expect(got.slice(0, before.length), kind).toBe(before);
      expect(got.slice(before.length), kind).toMatch(wanted);
    }
  };
  const stop = async () => {
    await lua.stop();
    await server.stop();
  };
  return { server, end, ends, run, stop };
}

function exactly(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);
}
