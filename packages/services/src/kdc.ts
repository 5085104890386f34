import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { accepts } from "./answers.ts";
import { portsFor, scratchFolder } from "./place.ts";
import { type Service, startService } from "./service.ts";

export interface KdcOptions {
  /** The port on 127.0.0.1; a free port by default. */
  port?: number;
  /** The lifetime of a ticket in seconds. */
  lifetime?: number;
}

export interface Kdc extends Service {
  readonly realm: string;
  /** The path of a `krb5.conf` for clients and services. */
  readonly config: string;
  /** Adds a principal with this password, or with a random key. `flags` are those of kadmin's `addprinc`. */
  add(principal: string, password?: string, ...flags: string[]): Promise<void>;
  /** Gives a principal a new random key and writes its keytab. Returns the path. */
  keytab(principal: string): Promise<string>;
}

const REALM = "EXAMPLE.ORG";

/** Starts MIT's KDC over TCP, for a realm without principals. */
export async function startKdc({ port: asked, lifetime = 3600 }: KdcOptions = {}): Promise<Kdc> {
  const [port = 0] = await portsFor(1, asked);
  const folder = scratchFolder("kdc");
  const address = `127.0.0.1:${port}`;
  const config = join(folder, "krb5.conf");
  const profile = join(folder, "kdc.conf");
  writeFileSync(config, forClients(address));
  writeFileSync(profile, ofServer(folder, address, lifetime));
  const env = { ...process.env, KRB5_CONFIG: config, KRB5_KDC_PROFILE: profile };
  const run = (program: string, ...args: string[]) => administer(program, args, env);
  const kadmin = (...query: string[]) => run("kadmin.local", "-r", REALM, ...query);
  try {
    await run("kdb5_util", "-r", REALM, "-P", "master", "create", "-s");
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  const service = await startService({
    name: "the KDC (Debian's package krb5-kdc)",
    folder,
    address,
    command: [
      ...["env", `KRB5_CONFIG=${config}`, `KRB5_KDC_PROFILE=${profile}`],
      ...["krb5kdc", "-n", "-r", REALM, "-P", join(folder, "pid")],
    ],
    ready: async (log) => log.includes("commencing operation") && (await accepts(port)),
  });
  return Object.assign(service, {
    realm: REALM,
    config,
    add: async (principal: string, password?: string, ...flags: string[]) => {
      const key = password === undefined ? ["-randkey"] : ["-pw", password];
      await kadmin("addprinc", ...flags, ...key, principal);
    },
    keytab: async (principal: string) => {
      const path = join(folder, `${principal.replaceAll("/", "_")}.keytab`);
      rmSync(path, { force: true });
      await kadmin("ktadd", "-k", path, principal);
      return path;
    },
  });
}

function forClients(address: string): string {
  return `[libdefaults]
  default_realm = ${REALM}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  rdns = false
[realms]
  ${REALM} = {
    kdc = ${address}
  }
`;
}

function ofServer(folder: string, address: string, lifetime: number): string {
  return `[realms]
  ${REALM} = {
    database_name = ${folder}/principal
    key_stash_file = ${folder}/stash
    acl_file = ${folder}/acl
    kdc_listen = ""
    kdc_tcp_listen = ${address}
    max_life = ${lifetime}s
    default_principal_flags = +preauth
    supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal
  }
[logging]
  kdc = STDERR
`;
}

async function administer(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  try {
    // kadmin.local may exit with 0 after an error.
    const { stderr } = await promisify(execFile)(program, args, { env, timeout: 60_000, killSignal: "SIGKILL" });
    if (/^kadmin\.local: /m.test(stderr)) throw new Error(stderr);
  } catch (error) {
    throw new Error(`${program} ${args.join(" ")} failed: ${(error as Error).message}`);
  }
}
