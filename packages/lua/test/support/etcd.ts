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
  local list = require("resty.ffi.msgpack").list
  local function json(v)
    if type(v) == "number" or type(v) == "boolean" then return tostring(v) end
    if v == nil or v == ngx.null then return "null" end
    if type(v) == "string" then
      return '"' .. v:gsub('[%c"\\\\\\128-\\255]', function(c) return ("\\\\u%04x"):format(c:byte()) end) .. '"'
    end
    if type(v) ~= "table" then return json(tostring(v)) end
    local parts = {}
    if v[1] ~= nil or getmetatable(v) == list then
      for k = 1, #v do parts[k] = json(v[k]) end
      return "[" .. table.concat(parts, ",") .. "]"
    end
    for k, x in pairs(v) do
      if k ~= "stream" then parts[#parts + 1] = json(tostring(k)) .. ":" .. json(x) end
    end
    return "{" .. table.concat(parts, ",") .. "}"
  end
  local function all(...)
    local parts = {}
    for k = 1, select("#", ...) do parts[k] = json((select(k, ...))) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local function wait_until(what, f)
    for _ = 1, 2000 do
      if f() then return end
      ngx.sleep(0.01)
    end
    error("it never happened: " .. what, 2)
  end
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
  /** Paths: what the server trusts and what a client needs, and the same of somebody else. */
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
