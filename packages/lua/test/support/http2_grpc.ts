import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";

/** What arrives with a call. */
export interface Call {
  path: string;
  headers: IncomingHttpHeaders;
  /** The first message. */
  message: Buffer;
}

/** What a call is answered with. */
export interface Reply {
  messages?: Buffer[];
  status?: number;
  /** The text of an error. */
  text?: string;
  /** A google.rpc.Status. */
  details?: Buffer;
  /** Ends the stream by RST_STREAM with this code instead. */
  reset?: number;
}

export interface Http2Grpc {
  readonly address: string;
  /** Sends GOAWAY on every connection, as a server does that is about to end. */
  goAway(): void;
  close(): Promise<void>;
}

function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The first message of a call; what follows is not looked at. */
async function firstMessage(stream: ServerHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let have = 0;
  let wanted = 5;
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
    have += (chunk as Buffer).length;
    if (wanted === 5 && have >= 5) {
      chunks.splice(0, chunks.length, Buffer.concat(chunks));
      wanted += (chunks[0] as Buffer).readUInt32BE(1);
    }
    if (wanted > 5 && have >= wanted) break;
  }
  return Buffer.concat(chunks).subarray(5, wanted);
}

/** A gRPC server that knows nothing of messages: `answer` says what comes back, by default what was sent. */
export async function startHttp2Grpc(
  answer: (call: Call) => Reply | Promise<Reply> = ({ message }) => ({ messages: [message] }),
  port = 0,
): Promise<Http2Grpc> {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {}).on("close", () => sessions.delete(session));
  });
  const serve = async (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const message = await firstMessage(stream);
    const reply = await answer({ path: String(headers[":path"]), headers, message });
    if (stream.destroyed) return;
    if (reply.reset !== undefined) return stream.close(reply.reset);
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    const details = reply.details && { "grpc-status-details-bin": reply.details.toString("base64") };
    const trailers = { "grpc-status": String(reply.status ?? 0), "grpc-message": reply.text ?? "", ...details };
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    for (const item of reply.messages ?? []) stream.write(frame(item));
    stream.end();
  };
  server.on("stream", (stream, headers) => {
    // A client that goes away is not a failure of the server.
    stream.on("error", () => {});
    serve(stream, headers).catch(() => stream.close(2));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    goAway: () => {
      for (const session of sessions) session.goaway();
    },
    close: async () => {
      server.close();
      for (const session of sessions) session.destroy();
      if (server.listening) await once(server, "close");
    },
  };
}
