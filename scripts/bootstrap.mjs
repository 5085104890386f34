/*
 * node scripts/bootstrap.mjs VERB args…: the way from a bare Node to the TypeScript of scripts/main.ts.
 * Installs the npm packages if they are missing or the lock file has changed. It is plain JavaScript, because nothing
 * else is installed yet. It writes to stdout only the closing line of an `npm test` that cannot start.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

if (Number(process.versions.node.split(".")[0]) < 20) {
  process.stderr.write(`resty-ffi needs Node.js 20 or newer; this is ${process.version}.\n`);
  process.exit(1);
}

const lock = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");
const stamp = join(root, "node_modules", ".installed-lock");
const installed = existsSync(stamp) ? readFileSync(stamp, "utf8").trim() : "";

if (installed !== lock) {
  process.stderr.write("set-up: installing the npm packages (npm ci)\n");
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ["npm"];
  const [command, ...args] = [...npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const started = Date.now();
  // npm's own report goes to stderr: stdout belongs to the verb.
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) {
    process.stderr.write(`set-up: npm ci failed${error ? `: ${error.message}` : ""}.\n`);
    if (process.argv[2] === "test") process.stdout.write("0 passed, 1 failed\n");
    process.exit(1);
  }
  writeFileSync(stamp, `${lock}\n`);
  process.stderr.write(`set-up: npm packages installed (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
}

const { register } = await import("tsx/esm/api");
register();
await import("./main.ts");
