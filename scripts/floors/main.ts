/** The check of native/'s structure: prints what is wrong, and fails if anything is. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { current } from "../docs/pages.ts";
import { ROOT } from "../environment.ts";
import { FOLDERS, faults } from "./rules.ts";
import { read } from "./sources.ts";

const sources = read(join(ROOT, "native"), FOLDERS);
const wrong = faults(sources);
const page = readFileSync(join(ROOT, "docs/architecture.md"), "utf8");
if (current(page) !== page) wrong.push("docs/architecture.md shows native/ as it was: run npm run docs");
for (const text of wrong) process.stderr.write(`${text}\n`);
process.exitCode = wrong.length > 0 ? 1 : 0;
