import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Definition, definitionOf } from "../runtime.js";

/** The configuration of a loader in the common form of all loaders: `module,func,cfg`. */
export interface Spec {
  readonly module: string;
  /** The name of the export. */
  readonly name: string;
  /** Everything after the second comma; `null` without a second comma. */
  readonly config: string | null;
}

const extensions = ["", ".mjs", ".js", ".cjs"];

export function parseSpec(text: string | null): Spec {
  const [, module = "", name = "", config = null] = /^([^,]*)(?:,([^,]*))?(?:,(.*))?$/s.exec(text ?? "") ?? [];
  // The question mark makes other loaders load the module again; here every load is a new process.
  const path = module.trim().replace(/\?$/, "");
  if (!path) {
    throw new Error(
      'libffi_nodejs.so needs a configuration of the form "module,func,cfg", such as "/srv/app.mjs,app,"; ' +
        "the module is missing.",
    );
  }
  return { module: path, name: name.trim() || "default", config };
}

/** Looks for files, and remembers the folders that it may not enter. */
class Search {
  readonly denied = new Set<string>();

  readonly isFile = (path: string): boolean => {
    try {
      return statSync(path).isFile();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EACCES") this.denied.add(closedFolder(path));
      return false;
    }
  };
}

/** The first parent folder of `path` that this process may not enter. */
function closedFolder(path: string): string {
  const folder = dirname(path);
  try {
    statSync(folder);
  } catch {
    return closedFolder(folder);
  }
  return folder;
}

/**
 * The file of a module: a path relative to the working directory or NODE_PATH, or a package that is installed there.
 */
export function resolveModule(module: string, directory = process.cwd(), nodePath = process.env.NODE_PATH): string {
  const roots = [directory, ...(nodePath ?? "").split(delimiter).filter(Boolean)];
  const bases = new Set(roots.map((root) => resolve(root, module)));
  const { isFile, denied } = new Search();
  for (const base of bases) {
    const file = extensions.map((extension) => base + extension).find(isFile);
    if (file) return file;
  }
  const { resolve: find } = createRequire(resolve(directory, "module.js"));
  for (const request of [...bases, module]) {
    try {
      return find(request);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  const where =
    `The module "${module}" was not found: there is no ${[...bases].join(", no ")} (nor with ` +
    `${extensions.slice(1).join(", ")}), and no package of this name near ${directory}. `;
  if (denied.size > 0) {
    throw new Error(
      `${where}The user that this process runs as (uid ${process.geteuid?.()}) may not look into ` +
        `${[...denied].join(", ")}: give it permission to, or put the module elsewhere.`,
    );
  }
  throw new Error(`${where}Give its absolute path, or set NODE_PATH to its directory.`);
}

async function importFrom(file: string): Promise<Record<string, unknown>> {
  const namespace: Record<string, unknown> = await import(pathToFileURL(file).href);
  const exported = namespace.default;
  // Node.js does not detect all exports of a CommonJS module.
  return typeof exported === "object" && exported !== null ? { ...exported, ...namespace } : namespace;
}

/**
 * Imports the module's file and returns the runtime that it exports, or that its exported function returns. A function
 * of two parameters is lua-resty-ffi's `init(cfg, tq)`, which serves the queue `tq` itself; the result is then null.
 */
export async function loadRuntime(
  file: string,
  { name, config }: Omit<Spec, "module">,
  tq: bigint,
): Promise<Definition | null> {
  const exports = await importFrom(file);
  let value = exports[name];
  if (name === "default" && typeof value === "object" && value !== null && "__esModule" in value) {
    value = (value as { default?: unknown }).default;
  }
  const found = definitionOf(value);
  if (found) return found;
  if (typeof value !== "function") {
    const names = Object.keys(exports).filter((key) => key !== "module.exports" && key !== "__esModule");
    throw new Error(
      `The module ${file} exports ${value === undefined ? `no "${name}"` : `a "${name}" that is not a runtime`}; name ` +
        `a runtime, or a function that returns one (it exports: ${names.join(", ") || "nothing"}).`,
    );
  }
  if (value.length === 2) {
    const code: unknown = await value(config ?? "", tq);
    if (code === 0 || code === undefined) return null;
    throw new Error(`The function "${name}" of ${file} returned ${code}.`);
  }
  const made = definitionOf(await value(config));
  if (!made) {
    throw new Error(`The function "${name}" of ${file} did not return a runtime; let it return createRuntime()….`);
  }
  return made;
}
