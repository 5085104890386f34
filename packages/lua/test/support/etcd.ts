import { join } from "node:path";
import { type Service, scratchFolder, startEtcd } from "@resty-ffi/services";
import { certificate, type Pem } from "./certificate.ts";
import { type Lua, type Settings, startLua } from "./lua.ts";
import { ROOT } from "./places.ts";

/** The shape of what `client:get` and so on return; see docs/etcd.md. */
// biome-ignore lint/suspicious/noExplicitAny: it is what JSON.parse returns
export type Value = any;

/** An nginx whose chunks know `etcd`, `resty_ffi` and `client(options)`. */
export interface EtcdLua {
  lua: Lua;
  /** The results of a chunk, nil as null; a Lua table is a list if it has a [1] or comes from an empty list. */
  run(chunk: string): Promise<Value[]>;
}

const PRELUDE = `
  local etcd, resty_ffi = require "resty.ffi.etcd", require "resty.ffi"
  local support = require "support.etcd"
  local all, wait_until = support.all, support.wait_until
`;

/** `address` is that of the client that chunks have as `c`. */
export async function startEtcdLua(address: string, settings: Settings = {}, setUp = ""): Promise<EtcdLua> {
  const lua = await startLua({
    ...settings,
    env: { LD_LIBRARY_PATH: join(ROOT, "runtimes/go/dist"), ...settings.env },
    http: `init_worker_by_lua_block { ${setUp} } ${settings.http ?? ""}`,
  });
  return {
    lua,
    async run(chunk) {
      const text = await lua.run(`${PRELUDE}
        local function client(options)
          options = options or {}
          options.endpoints = options.endpoints or { "${address}" }
          return assert(etcd.new(options))
        end
        local c = client()
        return all((function() ${chunk} end)())`);
      return JSON.parse(text) as Value[];
    },
  };
}

/** For how long something is asked for that is expected to come. */
export const SOON = { timeout: 20_000 };

export interface SecureEtcd {
  etcd: Service;
  folder: string;
  /** Paths: what the server trusts and what a client needs, and the same of another authority. */
  pem: Pem;
  foreign: Pem;
}

/** An etcd that wants client certificates; its own is for the name `etcd.test` only. */
export async function startSecureEtcd(): Promise<SecureEtcd> {
  const folder = scratchFolder("certificates");
  const [server, pem, foreign] = [
    certificate(folder, "ca", "server", "DNS:etcd.test"),
    certificate(folder, "ca", "client"),
    certificate(folder, "wrong-ca", "wrong-client"),
  ];
  return { etcd: await startEtcd({ tls: server }), folder, pem, foreign };
}
