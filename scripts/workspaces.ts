import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./environment.ts";

export interface Workspace {
  name: string;
  /** Absolute folder. */
  folder: string;
  scripts: Record<string, string>;
}

/** The workspaces that the root's package.json names, in the order given there. */
export function workspaces(root = ROOT): Workspace[] {
  const { workspaces: globs } = manifest(root) as { workspaces: string[] };
  return globs
    .flatMap((glob) => folders(root, glob))
    .filter((folder) => existsSync(join(folder, "package.json")))
    .map((folder) => {
      const { name, scripts } = manifest(folder) as { name: string; scripts?: Record<string, string> };
      return { name, folder, scripts: scripts ?? {} };
    });
}

/** Supports the two forms of npm's globs that this repository uses: `a/b` and `a/*`. */
function folders(root: string, glob: string): string[] {
  if (!glob.endsWith("/*")) return [join(root, glob)];
  const parent = join(root, glob.slice(0, -2));
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .sort()
    .map((name) => join(parent, name));
}

function manifest(folder: string): unknown {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}
