import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ROOT } from "./environment.ts";

/** The arguments of `ngx.load_ffi` and the environment variables that load a language's conformance runtime. */
export interface Runtime {
  lib: string;
  cfg: string | null;
  env: Record<string, string>;
}

/** The absolute paths of what `npm run build` made. */
export interface Paths {
  lib: string;
  include: string;
  /** The folder to put before `?.lua` in `lua_package_path`. */
  lua: string;
  runner: string;
  /** The folders of the libraries that the Lua clients load: libffi_etcd.so, libffi_grpc.so, libffi_kafka.so. */
  clients: string[];
  runtimes: Record<string, Runtime>;
}

/** The folder of each language's workspace, which describes its runtime in `dist/conformance.json`. */
export const FOLDERS = {
  go: "runtimes/go",
  rust: "runtimes/rust",
  python: "runtimes/python",
  java: "runtimes/java",
  node: "packages/node",
};

const CLIENTS = ["runtimes/go/dist/libffi_etcd.so", "runtimes/rust/dist/libffi_grpc.so"];

/** Finds everything below `root`. Throws one error that names every missing or malformed file. */
export function paths(root = ROOT): Paths {
  const problems: string[] = [];
  const place = (relative: string): string => {
    const absolute = join(root, relative);
    if (!existsSync(absolute)) problems.push(`${relative} is missing`);
    return absolute;
  };
  const found: Paths = {
    lib: place("native/dist/lib/libresty_ffi.so"),
    include: place("native/include"),
    lua: place("packages/lua/lib"),
    runner: place("native/dist/bin/resty-ffi-run"),
    clients: CLIENTS.map((file) => dirname(place(file))),
    runtimes: {},
  };
  for (const [language, folder] of Object.entries(FOLDERS)) {
    try {
      found.runtimes[language] = runtime(join(root, folder));
    } catch (error) {
      problems.push(`${folder}: ${(error as Error).message}`);
    }
  }
  if (problems.length > 0) {
    throw new Error(`Not everything is built; run \`npm run build\`.\n${problems.map((p) => `  - ${p}\n`).join("")}`);
  }
  return found;
}

/** Reads the `dist/conformance.json` of the workspace in `folder`; `${dir}` in it stands for that folder. */
function runtime(folder: string): Runtime {
  const file = join(folder, "dist", "conformance.json");
  if (!existsSync(file)) throw new Error("dist/conformance.json is missing");
  const { lib, cfg = null, env = {} } = JSON.parse(readFileSync(file, "utf8")) as Partial<Runtime>;
  if (typeof lib !== "string") throw new Error('dist/conformance.json needs "lib", a path below the workspace');
  if (cfg !== null && typeof cfg !== "string") throw new Error('"cfg" in dist/conformance.json is a string or null');
  if (typeof env !== "object" || env === null || Object.values(env).some((value) => typeof value !== "string")) {
    throw new Error('"env" in dist/conformance.json is an object of strings');
  }
  const absolute = (text: string): string => text.replaceAll("$" + "{dir}", folder);
  const library = resolve(folder, absolute(lib));
  if (!existsSync(library)) throw new Error(`its library ${lib} is missing`);
  return {
    lib: library,
    cfg: cfg === null ? null : absolute(cfg),
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, absolute(value)])),
  };
}

/** npm run -s paths */
export async function printPaths(): Promise<number> {
  try {
    process.stdout.write(`${JSON.stringify(paths(), null, 2)}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
}
