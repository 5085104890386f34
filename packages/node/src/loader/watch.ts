import { readFile, stat } from "node:fs/promises";
import { dirname, resolve, sep } from "node:path";

/** A specifier that names another file of the same program: it starts with a dot. */
const SPECIFIER = /\b(?:from|import|require)\s*\(?\s*["'](\.\.?\/[^"'\n]+)["']/g;
const endings = ["", ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".json", "/index.js", "/index.ts"];
const isFile = (path: string) =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

/**
 * The file of a module and the files that it loads from its own folder, for the host to watch. They are found in the
 * source, since Node.js does not report the ES modules that it has loaded; additional files do no harm. `root` is a
 * folder to use instead of the module's own.
 */
export async function* ownFiles(main: string, root = dirname(main) + sep): AsyncGenerator<string, void> {
  const files = new Set([main]);
  for (const file of files) {
    yield file;
    const source = file.endsWith(".json") ? "" : await readFile(file, "utf8").catch(() => "");
    for (const [, specifier = ""] of source.matchAll(SPECIFIER)) {
      const found = await find(resolve(dirname(file), specifier));
      if (found?.startsWith(root) && !found.slice(root.length).includes(`node_modules${sep}`)) files.add(found);
    }
  }
}

/** In TypeScript, `./a.js` may stand for `./a.ts`. */
async function find(path: string): Promise<string | undefined> {
  const candidates = [...endings.map((ending) => path + ending), path.replace(/\.([cm]?)js$/, ".$1ts")];
  for (const candidate of candidates) if (await isFile(candidate)) return candidate;
  return undefined;
}
