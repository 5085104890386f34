import { lua } from "@resty-ffi/nginx";
import { LANGUAGES, runtimeOf } from "../places.js";
import type { Settings } from "./nginx.js";

/** Starts an nginx whose workers load all five conformance runtimes under the names of their languages. */
export function everything(options: Record<string, unknown> = {}): Settings {
  const loads = LANGUAGES.map((language) => {
    const { lib, cfg } = runtimeOf(language);
    const args = [language, lib, cfg, { dicts: ["shared", "other"], load_timeout: 60, ...options }].map(lua);
    return `assert(fixture.load(${args.join(", ")}))`;
  });
  return {
    env: Object.assign({}, ...LANGUAGES.map((language) => runtimeOf(language).env)),
    http: `init_worker_by_lua_block {
      local fixture = require "fixture"
      ${loads.join("\n")}
    }`,
  };
}
