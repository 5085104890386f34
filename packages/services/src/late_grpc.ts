import { once } from "node:events";
import { constants, createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";

/** A server in this process. */
export interface LateGrpc {
  readonly address: string;
  stop(): void;
}

const MILLISECONDS: Record<string, number> = { n: 1e-6, u: 1e-3, m: 1, S: 1000, M: 60_000, H: 3_600_000 };
const EARLY_MS = 40;

/** Resets each call just before its deadline, like a server in Go whose clock is slightly ahead of the client's. */
export async function startLateGrpc(): Promise<LateGrpc> {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    const [, number, unit = ""] = /^(\d+)([numSMH])$/.exec(String(headers["grpc-timeout"])) ?? [];
    const left = Number(number) * (MILLISECONDS[unit] ?? 0);
    stream.on("error", () => {}); // the client may have disconnected
    stream.resume();
    if (left > 0) setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), left - EARLY_MS);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}
