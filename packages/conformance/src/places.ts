import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { FOLDERS } from "@resty-ffi/scripts/paths";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

export const SOURCE = fileURLToPath(new URL(".", import.meta.url)).replace(/\/$/, "");
export const LUA = join(ROOT, "packages/lua/lib");
/** A runtime in version 1 that makes mistakes on request: runtimes/unruly.c. */
export const UNRULY = join(ROOT, "packages/conformance/dist/libffi_c_unruly.so");
/** Echoes in C: version 1 and version 2. */
export const ECHO1 = join(ROOT, "native/dist/lib/test/libffi_c_echo1.so");
export const ECHO2 = join(ROOT, "native/dist/lib/test/libffi_c_echo2.so");

/** The output of runtimes/original/build.sh: runtimes for lua-resty-ffi, in the languages of its examples. */
export const ORIGINAL = join(ROOT, "packages/conformance/dist/original");
/** The sources of the runtimes that need no compiler. */
export const ORIGINAL_SOURCE = join(ROOT, "packages/conformance/runtimes/original");

export type Language = keyof typeof FOLDERS;
export const LANGUAGES = Object.keys(FOLDERS) as readonly Language[];

/** The conformance runtime that a workspace describes in its dist/conformance.json. */
export interface Runtime {
  lib: string;
  cfg: string | null;
  env: Record<string, string>;
}

export function runtimeOf(language: Language): Runtime {
  const folder = join(ROOT, FOLDERS[language]);
  const file = join(folder, "dist/conformance.json");
  if (!existsSync(file)) throw new Error(`${file} is missing: run npm run build.`);
  const text = readFileSync(file, "utf8").replaceAll("$" + "{dir}", folder);
  const { lib, cfg = null, env = {} } = JSON.parse(text) as Partial<Runtime> & { lib: string };
  return { lib: resolve(folder, lib), cfg, env };
}

/** The languages whose library is a loader: their configuration is `module,func,text`. */
const LOADERS: readonly Language[] = ["python", "java", "node"];

/** The configuration that passes this text to the runtime. A different text makes a different runtime. */
export function configured(language: Language, text: string): string {
  if (!LOADERS.includes(language)) return text;
  const [module, func] = (runtimeOf(language).cfg ?? "").split(",");
  return `${module},${func},${text}`;
}

for (const file of [UNRULY, ECHO1, ECHO2, ORIGINAL, LUA]) {
  if (!existsSync(file)) throw new Error(`${file} is missing: run npm run build.`);
}
