import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** The reaction of a {@link HostileKafka} to a request. */
export type Manner =
  /** It never answers. */
  | "silent"
  /** It closes the connection. */
  | "closing"
  /** It answers with bytes that are not a valid answer. */
  | "garbage"
  /** It announces an answer of 2 GB. */
  | "huge"
  /** It closes the connection in the middle of an answer. */
  | "half";

export interface HostileKafka {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** The number of requests so far. */
  requests(): number;
  stop(): Promise<void>;
}

const ANSWERS: Record<Manner, Buffer | undefined> = {
  silent: undefined,
  closing: Buffer.alloc(0),
  garbage: Buffer.from("0000002000000000ffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "hex"),
  huge: Buffer.from("7fffffff00000000", "hex"),
  half: Buffer.from("000001000000000100", "hex"),
};

/** Starts a server that accepts connections like a broker, but does not behave like one. */
export async function startHostileKafka(manner: Manner): Promise<HostileKafka> {
  const sockets = new Set<Socket>();
  let requests = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.on("data", () => {
      requests++;
      const answer = ANSWERS[manner];
      if (answer === undefined) return;
      if (manner === "garbage" || manner === "huge") socket.write(answer);
      else socket.end(answer);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    async stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
      if (server.listening) await once(server, "close");
    },
  };
}
