import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { descendants, descriptors } from "@resty-ffi/scripts/processes";
import { afterAll, describe, expect, test } from "vitest";
import {
  BAD_ARGUMENT,
  close,
  EXITED,
  type LoadOptions,
  load,
  nameOf,
  RestyFfiError,
  stats,
  TIMEOUT,
  UNLOADED,
  unload,
} from "../src/index.js";
import { ECHO1, ECHO2, METHODS } from "./runtimes.js";

const scratch = mkdtempSync(join(tmpdir(), "resty-ffi-host-"));
afterAll(async () => {
  await close();
  rmSync(scratch, { recursive: true });
});

const failure = (lib: string, cfg?: string | null, options = {}) => load(lib, cfg, options).catch((error) => error);

describe("what cannot be loaded", () => {
  test("a library that is not there: the places searched are named", async () => {
    const error = await failure("no_such_runtime");
    expect(error).toBeInstanceOf(RestyFfiError);
    expect(error.message).toMatch(/cannot load "no_such_runtime".*LD_LIBRARY_PATH/);
    expect((await failure("/no/such/lib.so")).message).toContain("/no/such/lib.so");
  });

  test("a library that is not a runtime", async () => {
    expect(await failure("libm.so.6")).toMatchObject({ code: EXITED, message: expect.stringContaining("libffi_init") });
  });

  test("a file that is not a library", async () => {
    const file = join(scratch, "text.so");
    writeFileSync(file, "not ELF");
    chmodSync(file, 0o755);
    expect((await failure(file)).message).toContain(file);
  });

  test("a runtime whose libffi_init fails: its code is named", async () => {
    expect(await failure(ECHO1, "0")).toMatchObject({ code: EXITED, message: expect.stringMatching(/\b2\b/) });
    expect(await failure(ECHO1, "0", { isolate: true })).toMatchObject({ message: expect.stringMatching(/\b2\b/) });
  });

  test("an empty name", async () => {
    expect(await failure("")).toMatchObject({ code: BAD_ARGUMENT });
  });
});

test.each([
  [{ max_queue: 1 }, TypeError, /no option "max_queue"; the options are maxQueue, isolate/],
  [{ maxQueue: "10" }, TypeError, /maxQueue must be a whole number, not "10"/],
  [{ maxQueue: 0 }, RangeError, /from 1 to 1048576, not 0/],
  [{ workers: 1.5 }, RangeError, /workers/],
  [{ isolate: 1 }, TypeError, /isolate must be true or false, not 1/],
  [{ timeout: -1 }, RangeError, /timeout must be milliseconds from 0/],
  [{ timeout: Number.NaN }, RangeError, /NaN/],
  [{ loadTimeout: null }, TypeError, /loadTimeout must be a whole number, not null/],
  [{ drainTimeout: 0 }, RangeError, /drainTimeout must be a whole number from 1/],
  [{ watch: "yes" }, TypeError, /watch must be true or false, not "yes"/],
  [{ dicts: "cache" }, TypeError, /dicts must be an array of strings, the names of shared dicts, not "cache"/],
  [{ dicts: ["cache", ""] }, TypeError, /dicts\[1\] must be a string that is not empty, not ""/],
  [{ env: ["PATH", "=x"] }, TypeError, /env\[1\] must be "NAME" or "NAME=value", not "=x"/],
  [{ env: { PATH: "x" } }, TypeError, /env must be an array of strings, .*, not an object/],
  [{ user: "" }, TypeError, /user must be a string that is not empty/],
  [{ venv: 1 }, TypeError, /venv must be a string/],
  [{ javaHome: "a\0b" }, TypeError, /javaHome must be a string/],
  [{ limits: { cpu: 1 } }, TypeError, /limits has no option "cpu"; the options are memory, files, cpus/],
  [{ limits: { memory: "1g" } }, TypeError, /option limits.memory must be a whole number, not "1g"/],
  [{ limits: 5 }, TypeError, /limits must be an object, not 5/],
  [null, TypeError, /options must be an object/],
])("options %j are refused", async (options, type, message) => {
  const error = await failure(ECHO2, null, options as never);
  expect(error).toBeInstanceOf(type);
  expect(error.message).toMatch(message);
});

test("a library or configuration that is not a string is refused", async () => {
  expect((await failure(7 as never)).message).toMatch(/must be a name or a path, not 7/);
  expect((await failure("a\0b")).message).toMatch(/must be a name or a path/);
  expect((await failure(ECHO2, {} as never)).message).toMatch(/must be a string or null, not an object/);
});

test("the same key is the same runtime, another configuration another runtime", async () => {
  const one = await load<"echo">(ECHO2, "key");
  const same = await load<"echo">(ECHO2, "key");
  const other = await load<"echo">(ECHO2, "");
  await one.echo("x");
  expect([stats(one).calls, stats(same).calls, stats(other).calls]).toEqual([1, 1, 0]);
  expect(nameOf(one)).toBe("libffi_c_echo2.so");
});

/** Of each option a value that is not its default, and what a second load is told that asks for it. */
const OTHER: Required<{ [Name in keyof LoadOptions]: [LoadOptions[Name], string] }> = {
  maxQueue: [64, "max_queue = 65536, not 64"],
  isolate: [true, "isolate = false, not true"],
  workers: [4, "workers = 1, not 4"],
  timeout: [250, "timeout = 5 s, not 0.25 s"],
  restart: [false, "restart = true, not false"],
  loadTimeout: [250, "load_timeout = 30 s, not 0.25 s"],
  drainTimeout: [250, "drain_timeout = 30 s, not 0.25 s"],
  watch: [true, "watch = false, not true"],
  dicts: [["shared"], 'dicts = none, not { "shared" }'],
  limits: [{ cpus: 1 }, "limits.cpus = none, not 1"],
  user: ["nobody", 'user = none, not "nobody"'],
  env: [["PATH"], 'env = none, not { "PATH" }'],
  venv: ["/v", 'venv = none, not "/v"'],
  javaHome: ["/j", 'java_home = none, not "/j"'],
  node: ["/n", 'node = none, not "/n"'],
  isGlobal: [true, "is_global = false, not true"],
  unpin: [true, "unpin = false, not true"],
};

test.each(Object.entries(OTHER))("the same key with another %s is refused", async (name, [value, differs]) => {
  await load(ECHO2, "options");
  const error = await failure(ECHO2, "options", { [name]: value });
  expect(error).toMatchObject({ code: BAD_ARGUMENT, message: expect.stringContaining(`already with ${differs} (`) });
});

test("what the first load gave holds for the second, while it starts and later", async () => {
  const options = { isolate: true, timeout: 30 };
  const starts = [load<"never">(METHODS, "first", options), load<"never">(METHODS, "first")];
  const refused = await failure(METHODS, "first", { isolate: true, timeout: 31 });
  expect(refused.message).toContain("already with timeout = 0.03 s, not 0.031 s");
  for (const rt of await Promise.all(starts)) {
    expect(await rt.never().catch((error: unknown) => error)).toMatchObject({ code: TIMEOUT });
  }
});

test("the patience of a start is the first load's", async () => {
  const slow = load(METHODS, "pause=300");
  expect(await failure(METHODS, "pause=400", { loadTimeout: 100 })).toMatchObject({
    code: TIMEOUT,
    message: expect.stringContaining("within 100 ms (load_timeout)"),
  });
  await slow;
});

test("two loads of the same key at once wait for the same start", async () => {
  const before = descendants(process.pid).length;
  const [a, b] = await Promise.all([1, 2].map(() => load<"echo">(ECHO2, "at once", { isolate: true })));
  expect(descendants(process.pid).length - before).toBe(2);
  await a?.echo("x");
  expect(stats(b as never).calls).toBe(1);
});

describe.each([false, true])("unload, isolate %s", (isolate) => {
  const cfg = `unload ${isolate}`;

  test("lets the calls in flight finish, refuses new ones, and the key can be loaded again", async () => {
    const rt = await load<"echo">(ECHO2, cfg, { isolate });
    const calls = Array.from({ length: 500 }, (_, i) => rt.echo(String(i)));
    unload(rt);
    expect((await Promise.all(calls)).map(String)).toEqual(calls.map((_, i) => String(i)));
    expect(await rt.echo("late").catch((e) => e)).toMatchObject({
      code: UNLOADED,
      message: expect.stringMatching(/unloaded.*libffi_c_echo2/),
    });
    expect(stats(rt)).toMatchObject({ up: false, inFlight: 0 });
    unload(rt);
    const again = await load<"echo">(ECHO2, cfg, { isolate });
    expect(String(await again.echo("again"))).toBe("again");
    unload(again);
  });

  test("leaves no process and no descriptor behind", async () => {
    const count = () => ({
      processes: descendants(process.pid).length,
      descriptors: descriptors(process.pid),
    });
    await (await load<"echo">(ECHO2, `the first starts the supervisor ${isolate}`, { isolate })).echo("x");
    // What the tests before this one have unloaded may still be ending.
    let before = count();
    for (let last: unknown; JSON.stringify(last) !== JSON.stringify(before); ) {
      last = before;
      await new Promise((resolve) => setTimeout(resolve, 300));
      before = count();
    }
    for (let i = 0; i < 10; i++) {
      const rt = await load<"echo">(ECHO2, `${cfg} ${i}`, { isolate });
      await rt.echo("x");
      expect(count()).not.toEqual(before);
      unload(rt);
    }
    await expect.poll(count).toEqual(before);
  });
});

test("runtimes that were loaded, unloaded and forgotten leave no memory behind", async () => {
  const round = async (name: string) => {
    for (let i = 0; i < 200; i++) {
      const rt = await load<"echo">(ECHO2, `${name} ${i}`);
      await rt.echo("x");
      unload(rt);
      await failure(ECHO1, "0");
    }
    for (let i = 0; i < 3; i++) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return process.memoryUsage.rss() / 2 ** 20;
  };
  const rounds = [await round("first")];
  while (rounds.length < 5) rounds.push(await round(`${rounds.length}`));
  // A runtime's record alone is 3 KB: 400 of them would show in each round.
  const growth = rounds.slice(1).map((mb, i) => mb - (rounds[i] as number));
  expect(Math.min(...growth), `MB: ${rounds}`).toBeLessThan(0.7);
});
