import { answersHttp } from "./answers.ts";
import { portsFor, scratchFolder } from "./place.ts";
import { type Service, startService } from "./service.ts";

export interface EtcdOptions {
  /** The port on 127.0.0.1; a free one if none is given. */
  port?: number;
  /** Turns authentication on, with this password of the user `root`, whom etcd cannot do without. */
  auth?: { user: "root"; password: string };
}

/** Starts Debian's etcd, one node. */
export async function startEtcd({ port, auth }: EtcdOptions = {}): Promise<Service> {
  const [client, peer] = await portsFor(2, port);
  const address = `127.0.0.1:${client}`;
  const url = `http://${address}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const folder = scratchFolder("etcd");
  const etcd = await startService({
    name: "etcd (Debian's package etcd-server)",
    folder,
    address,
    command: [
      ...["etcd", "--name", "test", "--data-dir", `${folder}/data`, "--logger", "zap", "--log-outputs", "stderr"],
      ...["--listen-client-urls", url, "--advertise-client-urls", url],
      ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
      ...["--initial-cluster", `test=${peerUrl}`],
    ],
    ready: () => answersHttp(`${url}/health`),
  });
  if (!auth) return etcd;
  try {
    await turnAuthOn(url, auth.user, auth.password);
  } catch (error) {
    await etcd.stop();
    throw error;
  }
  return etcd;
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
