import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../environment.ts";
import { picture } from "../floors/picture.ts";
import { FOLDERS } from "../floors/rules.ts";
import { read } from "../floors/sources.ts";
import { quote } from "./examples.ts";
import { fill } from "./markers.ts";
import { cells, notRun, table } from "./matrix.ts";

const FOLDER = join(ROOT, "docs");

/** The pages in docs/. */
export function pages(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith(".md"))
    .sort()
    .map((name) => join(FOLDER, name));
}

/** A page with its quotations as the examples are now, and its pictures as native/ is now. */
export function current(page: string): string {
  return fill(fill(page, "powers", quote), "floors", (name) => picture(read(join(ROOT, "native"), FOLDERS), name));
}

function update(file: string, make: (text: string) => string): void {
  const before = readFileSync(file, "utf8");
  const after = make(before);
  if (after === before) return;
  writeFileSync(file, after);
  process.stdout.write(`${file.slice(ROOT.length + 1)} is new\n`);
}

/** Writes the results of the conformance suite's last run into the README if that run was complete. */
function updateMatrix(): void {
  const run = cells() ?? [];
  const missing = notRun(run);
  if (missing.length === 0) update(join(ROOT, "README.md"), (text) => fill(text, "matrix", () => table(run)));
  else process.stdout.write(`README.md keeps its matrix: no results of ${missing.join(", ")}\n`);
}

/** npm run docs: quotes the examples in the pages of docs/, draws native/, and writes the matrix into README. */
export async function docs(): Promise<number> {
  try {
    for (const file of pages()) update(file, current);
    updateMatrix();
    return 0;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
}
