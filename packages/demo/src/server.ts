import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lua, type Nginx, startNginx } from "@resty-ffi/nginx";
import type { Paths } from "@resty-ffi/scripts/paths";
import { NO_SERVICES, type Services } from "./services.ts";

const FOLDER = fileURLToPath(new URL("..", import.meta.url));

function sources({ runtimes }: Paths): string {
  const entries = Object.entries(runtimes).map(
    ([name, { lib, cfg }]) => `${name} = { lib = ${lua(lib)}, cfg = ${lua(cfg)} },`,
  );
  return `{ ${entries.join(" ")} }`;
}

/** nginx empties its environment: what its workers need is named here. */
function environment({ runtimes, clients }: Paths): Record<string, string> {
  const { JAVA_HOME } = process.env;
  return Object.assign(
    { RESTY_FFI_NODE: process.execPath, LD_LIBRARY_PATH: clients.join(":") },
    JAVA_HOME && { JAVA_HOME },
    ...Object.values(runtimes).map(({ env }) => env),
  );
}

/** nginx with all languages in its one worker, serving the pages and the routes of lua/routes.lua and lua/services.lua. */
export function startServer(
  paths: Paths,
  port: number,
  { services = NO_SERVICES, signal }: { services?: Services; signal?: AbortSignal } = {},
): Promise<Nginx> {
  return startNginx({
    name: "demo",
    port,
    ...(signal && { signal }),
    env: environment(paths),
    logLevel: "notice",
    main: "worker_shutdown_timeout 5s;",
    http: () => `
lua_package_path "${join(FOLDER, "lua")}/?.lua;${paths.lua}/?.lua;;";
client_max_body_size 128m;
client_body_buffer_size 1m;
init_by_lua_block { require("starter")(${process.pid}) }
lua_shared_dict resty_ffi_metrics 1m;
init_worker_by_lua_block {
  require("languages").load(${sources(paths)})
  require("services").setup(${lua(services.addresses)}, ${lua(services.errors)})
  assert(require("resty.ffi.metrics").share("resty_ffi_metrics"))
}
server {
  listen 127.0.0.1:${port};
  root "${join(FOLDER, "dist", "page")}";
  default_type text/plain;
  add_header Cache-Control no-cache;
  location = /          { try_files /index.html =404; default_type text/html; }
  location = /page.js   { default_type text/javascript; }
  location = /style.css { default_type text/css; }
  location = /services    { try_files /services.html =404; default_type text/html; }
  location = /services.js { default_type text/javascript; }
  location = /healthz   { content_by_lua_block { require("routes").healthz() } }
  location = /languages { content_by_lua_block { require("routes").languages() } }
  location = /metrics   { content_by_lua_block { require("resty.ffi.metrics").serve() } }
  location = /services/list             { content_by_lua_block { require("services").list() } }
  location ~ ^/services/(\\w+)$          { content_by_lua_block { require("services").put(ngx.var[1]) } }
  location ~ ^/services/(\\w+)/events$   { content_by_lua_block { require("services").events(ngx.var[1]) } }
  location ~ ^/echo/([^/]*)$    { content_by_lua_block { require("routes").echo(ngx.var[1]) } }
  location ~ ^/measure/([^/]*)$ { content_by_lua_block { require("routes").measure(ngx.var[1]) } }
}`,
  });
}
