import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";

/** Header fields in order. Names may be repeated, values are arbitrary. */
export type Fields = readonly (readonly [name: string, value: string | Buffer])[];

const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const CONTINUATION = 9;
const ACK = 1;
const END_STREAM = 1;
const END_HEADERS = 4;
const PREFACE = 24;
const HEAD = 9;
/** The frame size that every client must accept. */
const FRAME = 16_384;

/** An incoming call. The test decides on the answer, which need not be valid HTTP/2. */
export interface HostileCall {
  /** Resolves once the client has reset the stream, or its connection is gone. */
  readonly over: Promise<void>;
  readonly isOver: boolean;
  headers(fields: Fields, end?: boolean): void;
  /** Sends the headers that begin every answer. */
  ok(...more: Fields): void;
  data(bytes: Buffer, end?: boolean): void;
  /** Sends headers that end the stream. */
  trailers(fields: Fields): void;
  reset(code: number): void;
  goAway(lastStream: number, code: number, text?: string): void;
  /** Sends a frame of any kind on this stream. */
  frame(type: number, flags: number, payload: Buffer): void;
  /** Sends raw bytes. */
  raw(bytes: Buffer | string): void;
  /** Ends the connection after the written data. */
  cut(): void;
  /** Resolves when the written data has left, so that endless answers take no memory. */
  drained(): Promise<void>;
}

export interface HostileGrpc {
  readonly address: string;
  /** Answers the next calls as soon as they arrive. */
  answer: (call: HostileCall) => void | Promise<void>;
  /** If set, answers connections instead of HTTP/2. */
  greet: ((socket: Socket) => void) | undefined;
  /** The number of calls so far. */
  readonly calls: number;
  stop(): Promise<void>;
}

/** A gRPC message with its flag and its length; both may be wrong. */
export function grpcMessage(body: Buffer, flag = 0, length = body.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, body]);
}

/** Starts a server that speaks HTTP/2 in raw frames, so that it can send what no library sends. */
export async function startHostileGrpc(tls?: { cert: Buffer; key: Buffer }): Promise<HostileGrpc> {
  const sockets = new Set<Socket>();
  let calls = 0;
  const serve = (socket: Socket) => {
    sockets.add(socket);
    // A client that disconnects is not a failure of the server.
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    if (hostile.greet) return hostile.greet(socket);
    converse(socket, (call) => {
      calls++;
      return hostile.answer(call);
    });
  };
  const server: Server = tls ? createTlsServer({ ...tls, ALPNProtocols: ["h2"] }, serve) : createServer(serve);
  const hostile: HostileGrpc = {
    address: "",
    answer: (call) => call.reset(2),
    greet: undefined,
    get calls() {
      return calls;
    },
    stop: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(hostile, { address: `127.0.0.1:${(server.address() as AddressInfo).port}` });
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(HEAD);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** An HPACK integer after the first bit of a byte. */
function length(n: number): Buffer {
  if (n < 127) return Buffer.from([n]);
  const bytes = [127];
  let rest = n - 127;
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

/** The fields in HPACK, as literals without indexing. */
function block(fields: Fields): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => {
      const bytes = Buffer.from(value);
      return [Buffer.from([0]), length(Buffer.byteLength(name)), Buffer.from(name), length(bytes.length), bytes];
    }),
  );
}

/** Reads the frames of a client and answers its calls. */
function converse(socket: Socket, answer: (call: HostileCall) => void | Promise<void>): void {
  const open = new Map<number, () => void>();
  let left = PREFACE;
  let have: Buffer = Buffer.alloc(0);
  const write = (bytes: Buffer | string) => {
    if (!socket.destroyed) socket.write(bytes);
  };
  write(frame(SETTINGS, 0, 0, Buffer.alloc(0)));
  const take = (type: number, flags: number, stream: number, payload: Buffer) => {
    if (type === SETTINGS && !(flags & ACK)) write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
    if (type === PING && !(flags & ACK)) write(frame(PING, ACK, 0, payload));
    if (type === RST_STREAM) open.get(stream)?.();
    if (type !== HEADERS) return;
    let isOver = false;
    const over = new Promise<void>((resolve) => {
      open.set(stream, () => {
        isOver = true;
        open.delete(stream);
        resolve();
      });
    });
    const send = (kind: number, bits: number, bytes: Buffer) => write(frame(kind, bits, stream, bytes));
    const headers = (fields: Fields, end = false) => {
      const bytes = block(fields);
      for (let at = 0; at === 0 || at < bytes.length; at += FRAME) {
        const last = at + FRAME >= bytes.length ? END_HEADERS : 0;
        const first = at === 0 && end ? END_STREAM : 0;
        send(at === 0 ? HEADERS : CONTINUATION, last | first, bytes.subarray(at, at + FRAME));
      }
    };
    const data = (bytes: Buffer, end = false) => {
      for (let at = 0; at === 0 || at < bytes.length; at += FRAME) {
        const last = at + FRAME >= bytes.length;
        send(DATA, end && last ? END_STREAM : 0, bytes.subarray(at, at + FRAME));
      }
    };
    const code = (value: number) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    };
    const call: HostileCall = {
      over,
      get isOver() {
        return isOver;
      },
      headers,
      ok: (...more) => headers([[":status", "200"], ["content-type", "application/grpc"], ...more]),
      data,
      trailers: (fields) => headers(fields, true),
      reset: (value) => send(RST_STREAM, 0, code(value)),
      goAway: (lastStream, value, text = "") =>
        write(frame(GOAWAY, 0, 0, Buffer.concat([code(lastStream), code(value), Buffer.from(text)]))),
      frame: send,
      raw: write,
      cut: () => socket.end(),
      drained: async () => {
        if (socket.writableNeedDrain) await Promise.race([once(socket, "drain"), over]);
        // The frames that the client has sent in between are read before the next answer.
        await new Promise((resolve) => setImmediate(resolve));
      },
    };
    Promise.resolve(answer(call)).catch((error) => socket.destroy(error));
  };
  socket.on("close", () => {
    for (const end of [...open.values()]) end();
  });
  socket.on("data", (chunk) => {
    have = have.length ? Buffer.concat([have, chunk]) : chunk;
    if (have.length < left) return;
    have = have.subarray(left);
    left = 0;
    while (have.length >= HEAD) {
      const end = HEAD + have.readUIntBE(0, 3);
      if (have.length < end) return;
      const [type, flags, stream] = [have.readUInt8(3), have.readUInt8(4), have.readUInt32BE(5) & 0x7fffffff];
      take(type, flags, stream, have.subarray(HEAD, end));
      have = have.subarray(end);
    }
  });
}
