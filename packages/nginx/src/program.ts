import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const MODULE_FOLDERS = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules"];
const PROGRAM_FOLDERS = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];

/** In the order of loading. A module that is linked in or missing has no file. */
const MODULES = ["ngx_stream_module.so", "ndk_http_module.so", "ngx_http_lua_module.so", "ngx_stream_lua_module.so"];

/** An nginx to test with. */
export interface Program {
  path: string;
  /** Files for `load_module`. */
  modules: string[];
  /** The folder of lua-resty-core, if it is not on Lua's default path. */
  lua?: string;
  /** Whether it supports `-e`. Before 1.19.5 the place of the first error log is compiled in. */
  namesLog: boolean;
}

/**
 * The installed nginx, or the nginx of `npm test -- --nginx PATH --modules PATH`: these options set the variables
 * `RESTY_FFI_TEST_NGINX` and `RESTY_FFI_TEST_MODULES`, the folder of its modules and its lua-resty-core.
 */
export function program(): Program {
  const { RESTY_FFI_TEST_NGINX: path, RESTY_FFI_TEST_MODULES: folder } = process.env;
  if (!path) return { path: installed(), modules: modulesIn(modulesFolder()), namesLog: true };
  return {
    path,
    modules: folder ? modulesIn(folder) : [],
    ...(folder && { lua: folder }),
    namesLog: spawnSync(path, ["-h"], { encoding: "utf8" }).stderr.includes("-e filename"),
  };
}

/** The path of nginx. Throws an error that says how to install it. */
function installed(): string {
  const found = PROGRAM_FOLDERS.map((folder) => join(folder, "nginx")).find((file) => existsSync(file));
  if (!found) throw new Error("nginx is not installed: apt-get install nginx libnginx-mod-http-lua lua-resty-core");
  return found;
}

function modulesFolder(): string {
  const folder = MODULE_FOLDERS.find((place) => existsSync(join(place, "ngx_http_lua_module.so")));
  if (!folder) {
    throw new Error(
      `ngx_http_lua_module.so is in none of ${MODULE_FOLDERS.join(", ")}: apt-get install libnginx-mod-http-lua`,
    );
  }
  return folder;
}

function modulesIn(folder: string): string[] {
  return MODULES.map((name) => join(folder, name)).filter((file) => existsSync(file));
}

/** Whether Lua runs in the `stream` block: ngx_stream_lua_module is a file or linked in. */
export function hasStreamLua({ path, modules } = program()): boolean {
  if (modules.some((file) => file.endsWith("/ngx_stream_lua_module.so"))) return true;
  return /--add-module=\S*stream[-_]lua/.test(spawnSync(path, ["-V"], { encoding: "utf8" }).stderr);
}
