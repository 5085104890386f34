import { freePorts } from "@resty-ffi/scripts/ports";
import { answersHttp } from "./answers.ts";
import { portsFor, scratchFolder } from "./place.ts";
import { type Service, startService } from "./service.ts";

export interface EtcdOptions {
  /** The port on 127.0.0.1; a free port by default. */
  port?: number;
  /** Enables authentication with this password for the user `root`, which etcd requires. */
  auth?: { user: "root"; password: string };
  /** Requires a client certificate that is signed by `ca`. The values are paths of PEM files. */
  tls?: { cert: string; key: string; ca: string } | undefined;
  /** Further arguments. */
  flags?: string[];
}

/** Starts Debian's etcd as a single node. */
export async function startEtcd({ port, auth, tls, flags = [] }: EtcdOptions = {}): Promise<Service> {
  const [client = 0, peer = 0] = await portsFor(2, port);
  const etcd = await startMember({ name: "test", client, peer, cluster: `test=${at(peer)}`, tls, flags });
  if (!auth) return etcd;
  try {
    await turnAuthOn(at(client), auth.user, auth.password);
  } catch (error) {
    await etcd.stop();
    throw error;
  }
  return etcd;
}

/** Starts the members of one cluster. */
export async function startEtcdCluster(size: number): Promise<Service[]> {
  const ports = await freePorts(2 * size);
  const members = Array.from({ length: size }, (_, k) => ({
    name: `m${k}`,
    client: ports[k] ?? 0,
    peer: ports[size + k] ?? 0,
  }));
  const cluster = members.map(({ name, peer }) => `${name}=${at(peer)}`).join(",");
  return Promise.all(members.map((member) => startMember({ ...member, cluster, tls: undefined, flags: [] })));
}

interface Member {
  name: string;
  /** The ports for clients and for the other members. */
  client: number;
  peer: number;
  /** NAME=URL of all members, separated by commas. */
  cluster: string;
  tls: EtcdOptions["tls"];
  flags: string[];
}

const at = (port: number) => `http://127.0.0.1:${port}`;

function startMember({ name, client, peer, cluster, tls, flags }: Member): Promise<Service> {
  const folder = scratchFolder("etcd");
  const address = `127.0.0.1:${client}`;
  const url = tls ? `https://${address}` : at(client);
  return startService({
    name: "etcd (Debian's package etcd-server)",
    folder,
    address,
    command: [
      ...["etcd", "--name", name, "--data-dir", `${folder}/data`, "--logger", "zap", "--log-outputs", "stderr"],
      ...["--listen-client-urls", url, "--advertise-client-urls", url],
      ...["--listen-peer-urls", at(peer), "--initial-advertise-peer-urls", at(peer), "--initial-cluster", cluster],
      ...(tls
        ? ["--cert-file", tls.cert, "--key-file", tls.key, "--client-cert-auth", "--trusted-ca-file", tls.ca]
        : []),
      ...flags,
    ],
    ready: (log) => (tls ? servesClients(log) : answersHttp(`${url}/health`)),
  });
}

/** Readiness of a server that requires client certificates. */
async function servesClients(log: string): Promise<boolean> {
  return log.includes("serving client traffic securely") || log.includes("serving client requests");
}

async function turnAuthOn(url: string, user: string, password: string): Promise<void> {
  await post(`${url}/v3/auth/user/add`, { name: user, password });
  await post(`${url}/v3/auth/role/add`, { name: "root" });
  await post(`${url}/v3/auth/user/grant`, { user, role: "root" });
  await post(`${url}/v3/auth/enable`, {});
}

async function post(url: string, body: object): Promise<void> {
  const answer = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`etcd answers ${url} with ${answer.status}: ${await answer.text()}`);
}
