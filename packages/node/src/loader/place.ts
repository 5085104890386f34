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

/** To check a file is to start a process. */
const MOST = 50;

/**
 * Where the syntax error is that the import of `main` ended with, as `FILE:LINE`; as near as it can be told.
 *
 * Of an ES module Node.js tells it to its own stderr only, when it dies of it. So the files are checked one by one.
 */
export async function placeOf(error: SyntaxError, main: string): Promise<string> {
  const stack = String(error.stack);
  const [, known, line] = HEAD.exec(stack) ?? FRAME.exec(stack) ?? [];
  if (known) return `${known.startsWith("file:") ? fileURLToPath(known) : known}:${line}`;
  let left = MOST;
  for await (const file of ownFiles(main, sep)) {
    if (left-- === 0) break;
    const said = /\.m?js$/.test(file) ? await check(file) : "";
    if (said.includes(`SyntaxError: ${error.message}\n`)) return `${file}:${CHECKED.exec(said)?.[1]}`;
  }
  return `${main} or what it imports`;
}

/** What Node.js says of the source of an ES module; it does not run it. */
async function check(file: string): Promise<string> {
  const source = await readFile(file).catch(() => "");
  return new Promise((resolve) => {
    const options = { env: { ...process.env, NODE_OPTIONS: "" }, timeout: 5000 };
    const child = execFile(process.execPath, ["--check", "--input-type=module", "-"], options, (_error, _out, said) =>
      resolve(said),
    );
    child.stdin?.on("error", () => undefined).end(source);
  });
}
