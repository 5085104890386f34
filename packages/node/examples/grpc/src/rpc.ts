import { once } from "node:events";
import type { Writable } from "node:stream";
import { type CallOptions, type Client, Metadata, type requestCallback, status } from "@grpc/grpc-js";
import { type Call, type Handler, type Requests, RestyFfiError, type StreamHandler } from "@resty-ffi/node";
import type { z } from "zod";
import { parse } from "./request.js";
import type { Rpc } from "./services.js";

type Schema = z.ZodType<object>;
type Done = requestCallback<object>;

/** A status that comes this close to the deadline is about it. */
const CLOSE_MS = 50;

const codec = (rpc: Rpc) => [rpc.path, rpc.requestSerialize, rpc.responseDeserialize] as const;

/** A request and an answer. */
export function unary(client: Client, rpc: Rpc, schema: Schema): Handler {
  return (request, call) =>
    new Promise((resolve, reject) => {
      const message = parse(schema, request);
      const done: Done = (error, answer) => (error ? reject(failure(error, call)) : resolve(JSON.stringify(answer)));
      const running = client.makeUnaryRequest(...codec(rpc), message, new Metadata(), optionsOf(call), done);
      cancelWith(call, running);
    });
}

/** A request and many answers. */
export function serverStream(client: Client, rpc: Rpc, schema: Schema): StreamHandler {
  return async function* (requests, call) {
    const message = parse(schema, (await requests.next()).value);
    yield* answers(client.makeServerStreamRequest(...codec(rpc), message, optionsOf(call)), call);
  };
}

/** Many requests, and an answer when the caller has closed its direction. */
export function clientStream(client: Client, rpc: Rpc, schema: Schema): StreamHandler {
  return async function* (requests, call) {
    yield await new Promise<string>((resolve, reject) => {
      const done: Done = (error, answer) => (error ? reject(failure(error, call)) : resolve(JSON.stringify(answer)));
      const stream = client.makeClientStreamRequest(...codec(rpc), new Metadata(), optionsOf(call), done);
      cancelWith(call, stream);
      send(requests, schema, stream, call.signal).catch((error) => {
        reject(error);
        stream.cancel();
      });
    });
  };
}

/** Many messages in both directions, each at its own pace. */
export function bidiStream(client: Client, rpc: Rpc, schema: Schema): StreamHandler {
  return async function* (requests, call) {
    const stream = client.makeBidiStreamRequest(...codec(rpc), optionsOf(call));
    send(requests, schema, stream, call.signal).catch((error) => stream.destroy(error));
    yield* answers(stream, call);
  };
}

/** Waits while the server takes no more. */
async function send(requests: Requests, schema: Schema, stream: Writable, signal: AbortSignal): Promise<void> {
  for await (const request of requests) {
    if (!stream.write(parse(schema, request))) await once(stream, "drain", { signal });
  }
  stream.end();
}

interface Cancellable {
  cancel(): void;
}

/** Reads from the server only what the caller takes; ends the RPC when the caller goes away. */
async function* answers(stream: AsyncIterable<object> & Cancellable & NodeJS.EventEmitter, call: Call) {
  cancelWith(call, stream);
  stream.on("error", () => {}); // a cancelled RPC says so once more, when nobody listens any longer
  try {
    for await (const message of stream) yield JSON.stringify(message);
  } catch (error) {
    throw failure(error, call);
  } finally {
    stream.cancel();
  }
}

function optionsOf(call: Call): CallOptions {
  return call.deadline ? { deadline: call.deadline } : {};
}

function cancelWith(call: Call, running: Cancellable): void {
  call.signal.addEventListener("abort", () => running.cancel(), { once: true });
}

/** What the server answered, with its code and in its words. */
function failure(error: unknown, call: Call): unknown {
  const { name, cause, code, details } = error as Error & { code?: unknown; details?: unknown };
  if (name === "AbortError") return cause ?? error; // Node.js's own, about the reason of the call's signal
  if (typeof code !== "number" || typeof details !== "string") return error;
  // Servers in Go reset the stream at the deadline, a moment before the timer here runs out.
  const late = code === status.CANCELLED && call.remaining() < CLOSE_MS;
  return new RestyFfiError(details || status[code] || "unknown", late ? status.DEADLINE_EXCEEDED : code);
}
