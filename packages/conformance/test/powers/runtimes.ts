import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Language, Runtime } from "../../src/places.js";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

/** What each language's examples/powers is loaded by; a loader's configuration follows after `module,func,`. */
const POWERS: Record<Language, { lib: string; module?: string; env?: Record<string, string> }> = {
  go: { lib: "runtimes/go/dist/libffi_go_powers.so" },
  rust: { lib: "runtimes/rust/dist/libffi_rust_powers.so" },
  python: {
    lib: "runtimes/python/dist/libffi_python3.so",
    module: "powers,app,",
    env: { PYTHONPATH: join(ROOT, "runtimes/python/examples/powers") },
  },
  java: {
    lib: "runtimes/java/dist/libffi_java.so",
    module: "demo.Powers,init,",
    env: { CLASSPATH: join(ROOT, "runtimes/java/dist/powers.jar") },
  },
  node: {
    lib: "packages/node/dist/libffi_nodejs.so",
    module: `${join(ROOT, "packages/node/dist/examples/powers.mjs")},app,`,
    env: { RESTY_FFI_NODE: process.execPath },
  },
};

/** How to load a language's examples/powers with this text as its configuration; null = none. */
export function powersOf(language: Language, configuration: string | null): Runtime {
  const { lib, module, env = {} } = POWERS[language];
  const file = join(ROOT, lib);
  if (!existsSync(file)) throw new Error(`${file} is missing: run npm run build.`);
  const cfg = module === undefined ? configuration : module + (configuration ?? "");
  return { lib: file, cfg, env };
}
