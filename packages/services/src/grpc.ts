import { join } from "node:path";
import { answersHttp } from "./answers.ts";
import { built, portsFor, scratchFolder } from "./place.ts";
import { type Service, startService } from "./service.ts";

/** PEM files. */
export interface Certificates {
  /** The authority that signed the server's certificate and `cert`. */
  ca: string;
  /** A client's certificate and its key. */
  cert: string;
  key: string;
  /** An authority that the server does not trust, and a client certificate from it. */
  wrongCa: string;
  wrongCert: string;
  wrongKey: string;
}

export interface GrpcServer extends Service {
  /** Plain text. */
  readonly address: string;
  /** TLS; the certificate is for localhost, 127.0.0.1, ::1 and example.test. */
  readonly tlsAddress: string;
  /** TLS with client certificates. */
  readonly mtlsAddress: string;
  readonly certificates: Certificates;
  /** The counters of all three listeners. */
  stats(): Promise<GrpcStats>;
}

export interface GrpcStats {
  /** Open connections. */
  connections: number;
  /** RPCs of any kind in progress. */
  streams: number;
  /** RPCs that have begun since the start. */
  calls: number;
  /** RPCs that the client cancelled or whose deadline passed. */
  cancelled: number;
}

/** Starts the server of server/cmd/grpc-server. */
export async function startGrpcServer(options: { port?: number } = {}): Promise<GrpcServer> {
  const [plain = 0, tls = 0, mtls = 0, status = 0] = await portsFor(4, options.port);
  const folder = scratchFolder("grpc");
  const at = (port: number) => `127.0.0.1:${port}`;
  const address = at(plain);
  const service = await startService({
    name: "the gRPC server",
    folder,
    address,
    command: [
      ...[built("grpc-server"), "-plain", address, "-tls", at(tls), "-mtls", at(mtls)],
      ...["-status", at(status), "-certificates", folder],
    ],
    ready: () => answersHttp(`http://${at(status)}/`),
  });
  const pem = (name: string) => join(folder, name);
  return Object.assign(service, {
    tlsAddress: at(tls),
    mtlsAddress: at(mtls),
    certificates: {
      ca: pem("ca.pem"),
      cert: pem("client.pem"),
      key: pem("client.key"),
      wrongCa: pem("wrong-ca.pem"),
      wrongCert: pem("wrong-client.pem"),
      wrongKey: pem("wrong-client.key"),
    },
    stats: async () => (await (await fetch(`http://${at(status)}/`)).json()) as GrpcStats,
  });
}
