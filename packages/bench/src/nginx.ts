import { fileURLToPath } from "node:url";
import { type Nginx, startNginx } from "@resty-ffi/nginx";

const LUA = fileURLToPath(new URL("../lua", import.meta.url));

/** The arguments of {@link startMeasuring}. */
export interface Measured {
  /** A Lua expression whose value is the function to measure: see lua/what.lua. */
  what: string;
  luaPath: string;
  env: Record<string, string>;
  /** The HTTP socket of the echo server, if the function proxies. */
  upstream?: string;
}

const PROXY = `location = /echo {
  internal;
  proxy_pass http://echo;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_buffer_size 16k;
  proxy_buffers 16 16k;
}`;

/** Fetches a path. Throws the body of any answer other than 200. */
export async function get(nginx: Nginx, path: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${nginx.port}${path}`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(text.trim());
  return text;
}

/** Starts an nginx with one worker that measures one function, and waits until it is ready. */
export async function startMeasuring({ what, luaPath, env, upstream }: Measured): Promise<Nginx> {
  const nginx = await startNginx({
    name: "bench",
    env,
    logLevel: "warn",
    http: ({ port }) => `
lua_package_path "${luaPath}/?.lua;${LUA}/?.lua;;";
client_body_buffer_size 1m;
client_max_body_size 0;
${upstream ? `upstream echo { server unix:${upstream}; keepalive 128; }` : ""}
init_worker_by_lua_block {
  require "resty.ffi"
  local what = require "what"
  measured, failure = ${what}
}
server {
  listen 127.0.0.1:${port};
  location = /ready {
    content_by_lua_block {
      if not measured then ngx.status = 500 end
      ngx.say(failure or "ready")
    }
  }
  location = /measure {
    content_by_lua_block {
      local line, err = require("measure")(measured, tonumber(ngx.var.arg_in_flight), tonumber(ngx.var.arg_bytes),
                                           tonumber(ngx.var.arg_seconds))
      if not line then ngx.status = 500 end
      ngx.say(line or err)
    }
  }
  ${upstream ? PROXY : ""}
}`,
  });
  try {
    await get(nginx, "/ready");
    return nginx;
  } catch (error) {
    await nginx.stop();
    throw error;
  }
}
