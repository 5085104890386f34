import { readFile, stat } from "node:fs/promises";
import { dirname, resolve, sep } from "node:path";

/** What names another file of the same program: specifiers that start with a dot. */
const SPECIFIER = /\b(?:from|import|require)\s*\(?\s*["'](\.\.?\/[^"'\n]+)["']/g;
const endings = ["", ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".json", "/index.js", "/index.ts"];
const isFile = (path: string) =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

/**
 * A module's file and those of its own folder that it loads, for the host to watch. Found in the source, since Node.js
 * does not tell which ES modules it has loaded; what is found too much does no harm. `root`: another folder than its own.
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

/** In TypeScript `./a.js` may be `./a.ts`. */
async function find(path: string): Promise<string | undefined> {
  const candidates = [...endings.map((ending) => path + ending), path.replace(/\.([cm]?)js$/, ".$1ts")];
  for (const candidate of candidates) if (await isFile(candidate)) return candidate;
  return undefined;
}
