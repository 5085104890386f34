import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const LUA = fileURLToPath(new URL("../lua", import.meta.url));
const MODULES = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules"];

/** One nginx with one worker, which measures one thing. Made by {@link startNginx}, ended by {@link Nginx.stop}. */
export interface Nginx {
  /** The process id of the master. */
  pid: number;
  port: number;
  get(path: string): Promise<string>;
  stop(): Promise<void>;
}

/** What {@link startNginx} needs to know. */
export interface NginxOptions {
  /** A Lua expression for the function to measure: see lua/what.lua. */
  what: string;
  luaPath: string;
  env: Record<string, string>;
  /** The HTTP socket of the echo server, if `what` proxies. */
  upstream?: string;
}

/** Starts nginx in a scratch folder on a free port, and waits until the runtime is loaded. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), "resty-ffi-bench-"));
  const port = await freePort();
  writeFileSync(join(folder, "nginx.conf"), configuration(options, port));
  const child = spawn("nginx", ["-p", folder, "-c", "nginx.conf", "-e", "error.log"], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...options.env },
  });
  const nginx: Nginx = {
    pid: child.pid ?? 0,
    port,
    get: async (path) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      const text = await answer.text();
      if (!answer.ok) throw new Error(text.trim());
      return text;
    },
    stop: () => stop(child, folder),
  };
  try {
    await ready(nginx, child);
    return nginx;
  } catch (error) {
    const log = join(folder, "error.log");
    const lines = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n").slice(-5).join("\n") : "";
    await nginx.stop();
    throw new Error(`${(error as Error).message}\n${lines}`);
  }
}

async function ready(nginx: Nginx, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) throw new Error("nginx did not start");
    try {
      await nginx.get("/ready");
      return;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    await sleep(100);
  }
  throw new Error("nginx did not answer within 30 s");
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, "exit");
    child.kill("SIGQUIT");
    const late = setTimeout(() => child.kill("SIGKILL"), 5000);
    await gone;
    clearTimeout(late);
  }
  rmSync(folder, { recursive: true, force: true });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

function modules(): string {
  const folder = MODULES.find((place) => existsSync(join(place, "ngx_http_lua_module.so")));
  if (!folder) throw new Error(`ngx_http_lua_module.so is in none of ${MODULES.join(", ")}`);
  return ["ndk_http_module.so", "ngx_http_lua_module.so"].map((name) => `load_module ${folder}/${name};`).join("\n");
}

function configuration({ what, luaPath, env, upstream }: NginxOptions, port: number): string {
  return `
${modules()}
${process.getuid?.() === 0 ? "user root;" : ""}
daemon off;
worker_processes 1;
pid nginx.pid;
error_log error.log warn;
${Object.keys(env)
  .map((name) => `env ${name};`)
  .join("\n")}
events { worker_connections 1024; }
http {
  access_log off;
  lua_package_path "${luaPath}/?.lua;${LUA}/?.lua;;";
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
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
    ${
      upstream
        ? `location = /echo {
      internal;
      proxy_pass http://echo;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffer_size 16k;
      proxy_buffers 16 16k;
    }`
        : ""
    }
  }
}
`;
}
