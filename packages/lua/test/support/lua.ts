import { startNginx } from "@resty-ffi/nginx";
import { LIB, PACKAGE } from "./places.ts";

export interface Settings {
  /** The folder of the Lua modules: this package's lib if not given. */
  lib?: string;
  /** lua_package_cpath; as it is by itself if not given. */
  cpath?: string;
  env?: Record<string, string>;
  /** More directives for the http block. */
  http?: string;
}

/** An nginx with one worker that runs Lua. */
export interface Lua {
  /** Runs a chunk in the content phase; its results as text, joined by `|`. Rejects with what the chunk throws. */
  run(chunk: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startLua({ lib = LIB, cpath, env = {}, http = "" }: Settings = {}): Promise<Lua> {
  const nginx = await startNginx({
    name: "lua",
    // What a developer has in LD_LIBRARY_PATH is not for these tests.
    env: { LD_LIBRARY_PATH: "", ...env },
    http: ({ port }) => `
lua_package_path "${lib}/?.lua;${PACKAGE}/test/?.lua;;";
${cpath === undefined ? "" : `lua_package_cpath "${cpath}";`}
${http}
server {
  listen 127.0.0.1:${port};
  location = / { return 204; }
  location = /lua {
    content_by_lua_block { require("support.chunk").run() }
  }
}`,
  });
  return {
    async run(chunk) {
      const reply = await fetch(`http://127.0.0.1:${nginx.port}/lua`, { method: "POST", body: chunk });
      const text = await reply.text();
      if (reply.status !== 200) throw new Error(`${text}\n${chunk}`);
      return text;
    },
    stop: () => nginx.stop(),
  };
}
