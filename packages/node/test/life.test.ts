import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Host } from "./support/host.js";
import { Scratch } from "./support/scratch.js";

let scratch: Scratch;
let host: Host;

beforeEach(() => {
  scratch = new Scratch();
  host = new Host();
});
afterEach(() => {
  host.close();
  scratch.remove();
});

const module = (body: string) =>
  scratch.write(
    "app.mjs",
    `import { createRuntime, RestyFfiError } from "@resty-ffi/node";
    import { appendFileSync } from "node:fs";
    import { setTimeout as delay } from "node:timers/promises";
    const note = (text) => appendFileSync(${JSON.stringify(join(scratch.directory, "notes"))}, text + "\\n");
    export const app = createRuntime().method("pid", () => String(process.pid)).method("echo", (r) => r);
    ${body}`,
  );

const notes = () => {
  const file = join(scratch.directory, "notes");
  return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
};

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("a signal that is asked for late is aborted already; deadline and time left agree", async () => {
  const file = module(`
    let release;
    const released = new Promise((resolve) => { release = resolve; });
    app.method("release", () => release());
    app.method("late", async (_request, call) => {
      await released;
      note(String(call.signal.aborted) + " " + call.signal.reason.name);
    });
    app.method("deadline", (_request, call) => {
      const ms = call.deadline - Date.now();
      return Math.abs(ms - call.remaining()) < 5 ? "agree" : ms + " " + call.remaining();
    });
    app.method("none", (_request, call) => call.deadline + " " + call.remaining());
  `);
  const rt = await host.load(`${file},app,`);
  const late = rt.start("late");
  await rt.call("echo", "it has started");
  late.cancel();
  await rt.call("release");
  await expect.poll(notes).toEqual(["true AbortError"]);
  // Not where the process is interrupted between the two.
  await expect.poll(() => rt.text("deadline", null, 3000)).toBe("agree");
  expect(await rt.text("none")).toBe("null Infinity");
});

test("cancelled calls leave nothing behind, whatever their handlers do", async () => {
  const file = module(`
    app.method("deaf", () => new Promise(() => {}));
    app.method("late", async () => { await delay(20); return "too late"; });
    app.method("memory", () => { gc(); return String(process.memoryUsage().heapUsed); });
    const { setFlagsFromString } = await import("node:v8");
    setFlagsFromString("--expose-gc");
    const gc = (await import("node:vm")).runInNewContext("gc");
  `);
  const rt = await host.load(`${file},app,`);
  const round = async () => {
    for (let i = 0; i < 100; i++) {
      const calls = Array.from({ length: 100 }, (_, k) => rt.start(k % 2 ? "deaf" : "late", Buffer.alloc(1000)));
      await rt.call("echo", "they have started");
      for (const call of calls) call.cancel(-1);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    return Number(await rt.text("memory"));
  };
  await round();
  const before = await round();
  const after = await round();
  expect(after - before).toBeLessThan(100_000);
  expect(host.lines).toEqual([]);
});

test("unload aborts what runs, waits for it and for the hooks, and ends the process", async () => {
  const file = module(`
    app.method("work", async (_request, call) => {
      await delay(10_000, null, { signal: call.signal }).catch(() => note("aborted"));
      await delay(50);
      note("finished");
    });
    app.onUnload(async () => { await delay(20); note("closed"); });
    app.onUnload(() => { throw new Error("bad hook"); });
  `);
  const rt = await host.load(`${file},app,`);
  const pid = Number(await rt.text("pid"));
  rt.start("work").cancel();
  const work = rt.start("work");
  await rt.call("echo", "it has started");
  host.close();
  expect(notes()).toEqual(expect.arrayContaining(["aborted", "closed", "finished"]));
  await expect.poll(() => alive(pid)).toBe(false);
  work.answer.catch(() => undefined);
  host = new Host();
});

test("unload waits a second at most for a handler that ignores its signal", async () => {
  const file = module(`
    app.method("deaf", () => new Promise(() => {}));
    setInterval(() => {}, 1000);
  `);
  const rt = await host.load(`${file},app,`);
  const pid = Number(await rt.text("pid"));
  const deaf = rt.start("deaf");
  await rt.call("echo", "it has started");
  deaf.cancel();
  const start = performance.now();
  rt.unload();
  await expect.poll(() => alive(pid)).toBe(false);
  expect(performance.now() - start).toBeLessThan(10_000);
});

test("an exception that nobody catches is logged, and ends the process; the next one serves", async () => {
  const file = module(`
    app.method("bomb", () => { setTimeout(() => { throw new Error("tick"); }, 1); return new Promise(() => {}); });
  `);
  const rt = await host.load(`${file},app,`);
  await expect(rt.call("bomb")).rejects.toMatchObject({ status: -7 });
  expect((await host.line("uncaught exception: Error: tick")).level).toBe(3);
  await expect.poll(() => rt.text("echo", "x").catch(String)).toBe("x");
});

test("answers and log lines that precede process.exit arrive", async () => {
  const file = module(`
    app.method("last", (_request, call) => { call.log.warn("last words"); process.exit(4); });
  `);
  const rt = await host.load(`${file},app,`);
  const before = rt.call("echo", "first");
  await expect(rt.call("last")).rejects.toMatchObject({ status: -7, message: expect.stringContaining("exit code 4") });
  expect(String(await before)).toBe("first");
  expect((await host.line("last words")).level).toBe(5);
});

test.each([
  ["process.exit", "process.exit(4)"],
  ["SIGKILL", 'process.kill(process.pid, "SIGKILL")'],
])("what was printed before %s is in the log, more than a pipe holds", async (_how, end) => {
  const file = module(`
    app.method("last", () => {
      const lines = (name) => Array.from({ length: 400 }, (_, i) => name + " " + i + " grüß " + "x".repeat(1900));
      console.log(lines("out").join("\\n"));
      console.error(lines("err").join("\\n"));
      process.stdout.write("no newline");
      ${end};
    });
  `);
  const rt = await host.load(`${file},app,`);
  await expect(rt.call("last")).rejects.toMatchObject({ status: -7 });
  await host.line("no newline");
  const printed = (level: number, what: RegExp) =>
    host.lines.flatMap((line) => (line.level === level && what.exec(line.text)?.[1]) || []).join(" ");
  const numbers = Array.from({ length: 400 }, (_, i) => i).join(" ");
  expect(printed(6, /: out (\d+) grüß x{1900}$/)).toBe(numbers);
  expect(printed(4, /: err (\d+) grüß x{1900}$/)).toBe(numbers);
});

test("listeners of exit run at an unload, a reload and a handler's process.exit", async () => {
  const file = module(`
    process.on("exit", (code) => { note("exit " + code); console.log("printed at the end"); });
    app.method("leave", (request) => process.exit(Number(request)));
  `);
  const rt = await host.load(`${file},app,`);
  await rt.reload();
  await expect.poll(notes).toEqual(["exit 0"]);
  await expect(rt.call("leave", "3")).rejects.toMatchObject({ status: -7 });
  await expect.poll(notes).toEqual(["exit 0", "exit 3"]);
  await expect.poll(() => rt.text("echo", "x").catch(String)).toBe("x");
  rt.unload();
  await expect.poll(notes).toEqual(["exit 0", "exit 3", "exit 0"]);
  await expect.poll(() => host.lines.filter(({ text }) => text.includes("printed at the end")).length).toBe(3);
});

test("several processes share one runtime", async () => {
  const file = module(`
    const sleeper = new Int32Array(new SharedArrayBuffer(4));
    app.method("busy", () => { Atomics.wait(sleeper, 0, 0, 200); return String(process.pid); });
  `);
  const rt = await host.load(`${file},app,`, { workers: 2 });
  const pids = await Promise.all(Array.from({ length: 6 }, () => rt.text("busy")));
  expect(new Set(pids).size).toBe(2);
});

test("unload handlers run when the calls have ended, the last one first, and the end of the host waits for them", async () => {
  const file = module(`
    app.method("work", async () => { await delay(100); note("work"); });
    app.onUnload(() => { note("first"); });
    app.onUnload(async (signal) => { await delay(2500); note(signal.aborted ? "late" : "last"); });
  `);
  const rt = await host.load(`${file},app,`);
  const work = rt.start("work");
  await rt.call("echo", "it has started");
  host.close(60_000);
  expect(notes()).toEqual(["work", "last", "first"]);
  work.answer.catch(() => undefined);
  host = new Host();
});

test("an unload handler that goes on when its time is over is left behind", async () => {
  const file = module(`
    app.onUnload(async (signal) => {
      signal.addEventListener("abort", () => note("told"));
      await delay(60_000);
    });
  `);
  const rt = await host.load(`${file},app,`);
  await rt.call("echo", "x");
  const start = performance.now();
  host.close(8000);
  expect(performance.now() - start).toBeLessThan(30_000);
  expect(notes()).toEqual(["told"]);
  host = new Host();
});
