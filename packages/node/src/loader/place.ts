import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";
import { ownFiles } from "./watch.js";

/** How a stack begins when Node.js knows where the source is wrong: /srv/app.cjs:3, or file:///srv/app.mjs:3. */
const HEAD = /^(file:\/\/.*|\/.*):(\d+)\n/;
/** The code that threw the error, and not only waits for a module that does not load. */
const FRAME = /^ +at (?!async )(?:.*\()?(file:\/\/.+|\/.+):(\d+):\d+\)?$/m;
/** How Node.js begins when it has been given a source to check. */
const CHECKED = /^\[stdin\]:(\d+)\n/;

/**
 * Where the syntax error is that the import of `main` ended with, as `FILE:LINE`; as near as it can be told.
 *
 * Of an ES module Node.js tells it to its own stderr only, when it dies of it: another one does that.
 */
export async function placeOf(error: SyntaxError, main: string): Promise<string> {
  const stack = String(error.stack);
  const [, known, line] = HEAD.exec(stack) ?? FRAME.exec(stack) ?? [];
  if (known) return `${known.startsWith("file:") ? fileURLToPath(known) : known}:${line}`;
  for await (const file of ownFiles(main, sep)) {
    if (!/\.m?js$/.test(file)) continue;
    const source = await readFile(file, "utf8").catch(() => "");
    if ((await mistakeIn(source)) === error.message) return `${file}:${await lineOf(source)}`;
  }
  return `${main} or what it imports`;
}

/** What is wrong with the source of an ES module. It does not run: one of its imports is never found. */
async function mistakeIn(source: string): Promise<string | undefined> {
  const program = `import "node:nothing";${source.replace(/^#!/, "//")}`;
  try {
    await import(`data:text/javascript,${encodeURIComponent(program)}`);
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
  }
  return undefined;
}

function lineOf(source: string): Promise<string> {
  return new Promise((resolve) => {
    const env = { ...process.env, NODE_OPTIONS: "" };
    const check = execFile(process.execPath, ["--check", "--input-type=module", "-"], { env }, (_error, _out, said) =>
      resolve(CHECKED.exec(said)?.[1] ?? "?"),
    );
    check.stdin?.on("error", () => undefined).end(source);
  });
}
