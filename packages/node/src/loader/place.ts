import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";
import { ownFiles } from "./watch.js";

/** The first line of a stack if Node.js knows the place of the error: /srv/app.cjs:3 or file:///srv/app.mjs:3. */
const HEAD = /^(file:\/\/.*|\/.*):(\d+)\n/;
/** The frame that threw the error, as opposed to frames that wait for a module. */
const FRAME = /^ +at (?!async )(?:.*\()?(file:\/\/.+|\/.+):(\d+):\d+\)?$/m;
/** The first line of the output of `node --check` for a source on standard input. */
const CHECKED = /^\[stdin\]:(\d+)\n/;

/**
 * The place of the syntax error that failed the import of `main`, as `FILE:LINE`, as exactly as it can be found.
 *
 * For an ES module, Node.js prints the place only to stderr before it exits; so a second Node.js process checks the
 * file.
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

/** The syntax error of an ES module, if any. The module does not run, since one of its imports does not exist. */
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
