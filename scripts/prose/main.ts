import { type Dirent, readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { ROOT } from "../environment.ts";
import { check } from "./check.ts";
import { prose } from "./extract.ts";
import { inScope } from "./scope.ts";

/** Dependencies and the output of builds. Other folders whose name begins with a dot are skipped, too. */
const SKIPPED = new Set(["node_modules", "dist", "build", "target", "coverage", "generated", "__pycache__"]);

function isSkipped({ name }: Dirent): boolean {
  return SKIPPED.has(name) || (name.startsWith(".") && name !== ".changeset");
}

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !isSkipped(entry))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return files(path);
      return entry.isFile() ? [relative(ROOT, path)] : [];
    });
}

/** With arguments, the files and folders that they name, in scope or not: what is left to do before they join the scope. */
const named = process.argv.slice(2).map((path) => relative(ROOT, resolve(path)));
const isNamed = (file: string) => named.some((path) => path === "" || file === path || file.startsWith(`${path}/`));

let found = 0;
for (const file of files(ROOT).filter((path) => (named.length > 0 ? isNamed(path) : inScope(path)))) {
  const text = prose(file, readFileSync(join(ROOT, file), "utf8"));
  for (const { line, phrase, instead } of text === undefined ? [] : check(text)) {
    process.stderr.write(`${file}:${line}: "${phrase}": write ${instead}\n`);
    found++;
  }
}
if (found > 0) {
  process.stderr.write(`${found} phrases that "Style" in CONTRIBUTING.md rules out (scripts/prose/patterns.ts)\n`);
  process.exitCode = 1;
}
