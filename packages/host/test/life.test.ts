import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ECHO2, LIBRARY, METHODS } from "./runtimes.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Runs a program against the built package; it must end by itself. */
function run(source: string, env: Record<string, string> = {}) {
  return new Promise<{ code: number | null; out: string; err: string; ms: number }>((resolve) => {
    const start = performance.now();
    const child = spawn(process.execPath, ["--expose-gc", "--input-type=module", "-e", source], {
      cwd: ROOT,
      env: { ...process.env, ECHO: ECHO2, ...env },
      timeout: 20_000,
    });
    let out = "";
    let err = "";
    child.stdout.on("data", (data) => {
      out += data;
    });
    child.stderr.on("data", (data) => {
      err += data;
    });
    child.on("close", (code) => resolve({ code, out, err, ms: performance.now() - start }));
  });
}

const HEAD = `import { load, close, configure, stats, unload } from "@resty-ffi/host";`;

/** Loads `rt` into a process of its own, pids[1]. It uses what tests share, so that the program needs TypeScript. */
const ISOLATED = `import { started } from "./test/processes.ts";
    const { value: rt, pids } = await started(() => load(process.env.ECHO, null, { isolate: true }));`;
const TYPESCRIPT = { NODE_OPTIONS: "--import tsx" };

test.each([false, true])("a program ends by itself when nothing is in flight, isolate %s", async (isolate) => {
  const { code, out, err } = await run(`${HEAD}
    const rt = await load(process.env.ECHO, null, { isolate: ${isolate} });
    console.log(String(await rt.echo("hello")));`);
  expect({ code, out, err }).toEqual({ code: 0, out: "hello\n", err: "" });
});

test("a call in flight keeps the program alive", async () => {
  const { code, out } = await run(`${HEAD}
    const rt = await load(process.env.ECHO);
    rt.echo("x").then((answer) => console.log(String(answer)));`);
  expect({ code, out }).toEqual({ code: 0, out: "x\n" });
});

test("an open stream keeps the program alive until its end is received, or it is closed", async () => {
  const { code, out } = await run(
    `import { load, stream } from "@resty-ffi/host";
    const rt = await load(process.env.METHODS);
    const chat = stream(rt, "chat", "first");
    chat.receive().then(async (message) => {
      console.log(String(message));
      setTimeout(() => chat.send("second"), 20).unref();
      for await (const last of chat) { console.log(String(last)); break; }
    });`,
    { METHODS },
  );
  expect({ code, out }).toEqual({ code: 0, out: "first\nsecond\n" });
});

test("wake-ups outlive the garbage collector, and microtasks run after them", async () => {
  const { code, out, err } = await run(`${HEAD}
    const rt = await load(process.env.ECHO);
    for (let i = 0; i < 30; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 1));
      await rt.echo("x", { timeout: 1000 });
    }
    console.log(stats(rt).answered);`);
  expect({ code, out, err }).toEqual({ code: 0, out: "30\n", err: "" });
});

test("close() fails what it cuts off, and a new load starts afresh", async () => {
  const { out, code, err } = await run(
    `${HEAD}
    import { stop } from "@resty-ffi/scripts/processes";
    ${ISOLATED}
    await stop(pids[1]);
    const cut = rt.echo("x", { timeout: 0 }).catch((error) => error.code);
    await close(100);
    console.log(await cut, await rt.echo("y").catch((error) => error.code));
    const again = await load(process.env.ECHO);
    console.log(String(await again.echo("afresh")));
    await close();`,
    TYPESCRIPT,
  );
  expect({ code, out, err }).toEqual({ code: 0, out: "-8 -8\nafresh\n", err: "" });
});

test("log lines go to onLog, by default to standard error", async () => {
  const program = (configure: string) => `${HEAD}
    ${configure}
    ${ISOLATED}
    process.kill(pids[1], "SIGKILL");
    const codes = new Set();
    for (let i = 0; i < 100; i++) {
      codes.add(await rt.echo("x").then(() => 0, (error) => error.code));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    console.log(stats(rt).restarts, codes.has(0));`;
  const byDefault = await run(program(""), TYPESCRIPT);
  expect(byDefault).toMatchObject({ code: 0, out: "1 true\n" });
  expect(byDefault.err).toMatch(
    /^\[resty-ffi\] \[error\] libffi_c_echo2\.so: exited \(signal 9, Killed\); it is being restarted\n$/,
  );
  const handled = await run(program(`configure({ onLog: (level, text) => console.log(level, text) });`), TYPESCRIPT);
  expect(handled).toMatchObject({ code: 0, err: "" });
  expect(handled.out).toMatch(/^error libffi_c_echo2\.so: exited/);
});

test("CommonJS has the same", async () => {
  const { out } = await run(`import { createRequire } from "node:module";
    const { load } = createRequire(import.meta.url)("@resty-ffi/host");
    load(process.env.ECHO).then((rt) => rt.echo("hello")).then((answer) => console.log(String(answer)));`);
  expect(out).toBe("hello\n");
});

test("RESTY_FFI_LIB is the library or its folder; a wrong one is named", async () => {
  const program = `${HEAD} load(process.env.ECHO).then((rt) => rt.echo("ok")).then(String, (e) => e.message).then(console.log);`;
  expect((await run(program, { RESTY_FFI_LIB: LIBRARY })).out).toBe("ok\n");
  expect((await run(program, { RESTY_FFI_LIB: LIBRARY.replace(/\/[^/]*$/, "") })).out).toBe("ok\n");
  expect((await run(program, { RESTY_FFI_LIB: "/nowhere/lib.so" })).out).toMatch(
    /nowhere\/lib\.so could not be loaded.*RESTY_FFI_LIB/,
  );
});

test("configure refuses what is wrong", async () => {
  const { out } = await run(`${HEAD}
    for (const settings of [{ onLog: 1 }, { library: 1 }]) try { configure(settings); } catch (e) { console.log(e.message); }
    await load(process.env.ECHO);
    try { configure({ library: "/other.so" }); } catch (e) { console.log(e.message); }`);
  expect(out.split("\n")).toEqual([
    "configure: onLog must be a function",
    "configure: library must be the path of libresty_ffi.so",
    "configure: set library before the first load, or after close()",
    "",
  ]);
});
