/** The conformance runtime: every method that CONFORMANCE asks of a language. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { type Call, createRuntime, RestyFfiError, type Runtime } from "@resty-ffi/node";
import { addStreams, cancelledStreams } from "./streams.js";

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** The words of a request, the last one with all that is left. */
function words(request: Buffer | null, count: number): string[] {
  const [...found] = String(request ?? "").split(" ");
  return [...found.splice(0, count - 1), found.join(" ")];
}

let cancelled = 0;
/** What there is to finish at the end: how long it takes, and the file that notes that it is done. */
let toFinish: string[] | undefined;

async function finish(signal: AbortSignal): Promise<void> {
  if (!toFinish) return;
  const [ms, file = ""] = toFinish;
  await delay(Number(ms), null, { signal });
  await appendFile(file, "finished\n");
}

/**
 * `set K V [TTL]`, `get K`, `add K V [TTL]`, `incr K N [TTL]`, `delete K`; with `in NAME` before it in another dict.
 */
async function dict(request: Buffer | null, call: Call): Promise<Buffer | string | null> {
  const parts = String(request ?? "").split(" ");
  const zone = parts[0] === "in" ? call.dict.named(parts.splice(0, 2)[1] ?? "") : call.dict;
  const [operation, key = "", ...rest] = parts;
  const ttl = rest.length > 1 && /^\d+$/.test(rest.at(-1) ?? "") ? Number(rest.pop()) : 0;
  const value = rest.join(" ");
  switch (operation) {
    case "set":
      await zone.set(key, value, { ttl });
      return value;
    case "add":
      return (await zone.add(key, value, { ttl })) ? value : null;
    case "get":
      return zone.get(key);
    case "incr":
      return String(await zone.incr(key, Number(value), { ttl }));
    case "delete":
      await zone.delete(key);
      return null;
    default:
      throw new Error(`the dict has no operation "${operation}"`);
  }
}

function print(request: Buffer | null): string {
  const [where, line = ""] = words(request, 2);
  (where === "stderr" ? process.stderr : process.stdout).write(`${line}\n`);
  return "";
}

function log(request: Buffer | null, call: Call): string {
  const [level = "", message = ""] = words(request, 2);
  const name = level === "err" ? "error" : level;
  switch (name) {
    case "debug":
    case "info":
    case "notice":
    case "warn":
    case "error":
    case "crit":
      call.log[name](message);
      return "logged";
    default:
      throw new Error(`there is no level "${level}"`);
  }
}

/**
 * A line `wait MS` or `end MS`, then a line for each word of a program: after MS milliseconds the program is awaited,
 * or ended first.
 */
async function run(request: Buffer | null): Promise<string> {
  const [first = "", program = "", ...args] = String(request ?? "").split("\n");
  const [what, ms] = first.split(" ");
  const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
  const exited = once(child, "exit");
  await delay(Number(ms));
  if (what === "end") child.kill();
  const [code, signal] = (await exited) as [number | null, NodeJS.Signals | null];
  return signal ? `signal ${constants.signals[signal]}` : `exit ${code}`;
}

export const app: Runtime = addStreams(createRuntime())
  .method("lang", () =>
    JSON.stringify({
      language: "node",
      version: process.versions.node,
      sdk: version,
      abi: app.abi,
      pid: process.pid,
    }),
  )
  .method("echo", (request) => request)
  .method("xor", (request) => request?.map((byte) => byte ^ 0x5a))
  .method("empty", () => "")
  .method("none", () => null)
  .method("nilreq", (request) => (request === null ? "nil" : request.length === 0 ? "empty" : "bytes"))
  .method("fill", (request) => {
    const bytes = Buffer.allocUnsafe(Number(request));
    for (let i = 0; i < bytes.length; i++) bytes[i] = i % 251;
    return bytes;
  })
  .method("sleep", (request, { signal }) => delay(Number(request), "slept", { signal }))
  .method("block", (request) => {
    Atomics.wait(sleeper, 0, 0, Number(request));
    return "blocked";
  })
  .method("fail", (request) => {
    const [code, message = ""] = words(request, 2);
    throw new RestyFfiError(message, Number(code));
  })
  .method("throw", () => {
    throw new Error("thrown on purpose");
  })
  .method(
    "never",
    (_request, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          cancelled++;
          reject(signal.reason);
        });
      }),
  )
  .method("cancelled", () => String(cancelled + cancelledStreams()))
  .method("remaining", (_request, call) => (call.deadline === null ? "-1" : String(Math.round(call.remaining()))))
  .method("config", () => app.config)
  .method("log", log)
  .method("dict", dict)
  .method("print", print)
  .method("crash", () => process.abort())
  .method("exit", (request) => process.exit(Number(request ?? 3)))
  .method("finish", (request) => {
    toFinish = words(request, 2);
  })
  .onUnload(finish)
  .method("run", run)
  .method("environment", () =>
    Object.entries(process.env)
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join("\n"),
  )
  .method("arguments", () => "0");
