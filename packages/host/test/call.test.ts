import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { stop } from "@resty-ffi/scripts/processes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BAD_ARGUMENT,
  CANCELLED,
  call,
  close,
  load,
  QUEUE_FULL,
  RestyFfiError,
  type Runtime,
  stats,
  TIMEOUT,
  TOO_LARGE,
} from "../src/index.js";
import { started } from "./processes.js";
import { ECHO1, ECHO2 } from "./runtimes.js";

afterAll(() => close());

describe.each([
  ["version 1, thread", ECHO1, { isolate: false }],
  ["version 2, thread", ECHO2, { isolate: false }],
  ["version 1, process", ECHO1, { isolate: true }],
  ["version 2, process", ECHO2, { isolate: true }],
])("%s", (_name, lib, options) => {
  let rt: Runtime<"echo">;
  beforeAll(async () => {
    // Configurations that differ, or the second load would find the first one's runtime.
    rt = await load<"echo">(lib, options.isolate ? "2" : "1", options);
  });

  test.each([1, 63, 64, 65, 4095, 4096, 4097, 65_536, 1_000_003])("%i bytes arrive as they left", async (size) => {
    const bytes = randomBytes(size);
    expect(bytes.equals((await rt.echo(bytes)) as Buffer)).toBe(true);
  });

  test("nil, empty and text are kept apart", async () => {
    expect(await rt.echo()).toBeNull();
    expect(await rt.echo(null)).toBeNull();
    expect(await rt.echo("")).toEqual(Buffer.alloc(0));
    expect(await rt.echo("grüße\0")).toEqual(Buffer.from("grüße\0"));
  });

  test("the part of a buffer that a view shows is what is sent", async () => {
    expect(await rt.echo(Buffer.from("0123456789").subarray(3, 6))).toEqual(Buffer.from("345"));
  });

  test("the request is copied before the call returns", async () => {
    const bytes = Buffer.from("before");
    const answer = rt.echo(bytes);
    bytes.fill("x");
    expect(await answer).toEqual(Buffer.from("before"));
  });

  test("5000 calls at once find their own answers", async () => {
    const requests = Array.from({ length: 5000 }, (_, i) => randomBytes(i % 700));
    const answers = await Promise.all(requests.map((request) => rt.echo(request)));
    expect(answers.every((answer, i) => requests[i]?.equals(answer as Buffer))).toBe(true);
    expect(stats(rt)).toMatchObject({ inFlight: 0, failed: 0, transport: options.isolate ? "process" : "thread" });
  });

  test("a payload above the limit is refused at once", async () => {
    const error = await rt.echo(Buffer.alloc(129 * 2 ** 20)).catch((e) => e);
    expect(error).toBeInstanceOf(RestyFfiError);
    expect(error).toMatchObject({ code: TOO_LARGE, message: expect.stringMatching(/too large.*libffi_c_echo/) });
  });
});

describe("a runtime", () => {
  let rt: Runtime;
  beforeAll(async () => {
    rt = await load(ECHO2, "methods");
  });

  test("has any method but then, and can be awaited", async () => {
    expect(await Promise.resolve(rt)).toBe(rt);
    for (const name of ["key", "load", "toString", "__proto__", "constructor", "catch"]) {
      expect(String(await rt[name]?.(name)), name).toBe(name);
    }
    expect(String(await call(rt, "then", "reached"))).toBe("reached");
    expect(rt.echo).toBe(rt.echo);
    expect(inspect(rt)).not.toContain("Promise");
  });

  test("cannot be written to", () => {
    expect(() => Object.assign(rt, { echo: null })).toThrow(/cannot be replaced/);
  });

  test("refuses a method name that is too long", async () => {
    await expect(call(rt, "m".repeat(200))).rejects.toMatchObject({ code: BAD_ARGUMENT });
  });

  test("refuses a value that is not a request or not an option", async () => {
    await expect(call(rt, "echo", 42 as never)).rejects.toThrow(/must be a Uint8Array, a string or null, not 42/);
    await expect(call(rt, "echo", "", { timeuot: 1 } as never)).rejects.toThrow(/no option "timeuot".*timeout, signal/);
    await expect(call(rt, "echo", "", { timeout: -1 })).rejects.toThrow(RangeError);
    await expect(call(rt, "echo", "", { timeout: "1" as never })).rejects.toThrow(TypeError);
    await expect(call(rt, "echo", "", { signal: {} as never })).rejects.toThrow(/must be an AbortSignal/);
    expect(() => stats({} as never)).toThrow(/not a runtime/);
  });
});

describe("a runtime that answers nothing", () => {
  let rt: Runtime<"echo">;
  /** No thread of its serves calls any more. */
  beforeAll(async () => {
    const { value, pids } = await started(() =>
      load<"echo">(ECHO1, "4", { isolate: true, maxQueue: 2, timeout: 40, restart: false }),
    );
    rt = value;
    expect(pids).toHaveLength(2);
    await stop(pids[1] as number);
  });

  test("lets its calls time out, at their time", async () => {
    let late = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 50 && !(late < 15); i++) {
      const start = performance.now();
      const error = await rt.echo("", { timeout: 50 }).catch((e) => e);
      expect(error).toMatchObject({ code: expect.toSatisfy((code) => code === TIMEOUT || code === QUEUE_FULL) });
      if (error.code === TIMEOUT) late = Math.min(late, performance.now() - start - 50);
    }
    expect(late).toBeGreaterThan(-2);
    expect(late).toBeLessThan(20);
  });

  test("says so when its queue is full", async () => {
    const calls = Array.from({ length: 10 }, () => rt.echo("x").catch((e) => e));
    const codes = (await Promise.all(calls)).map(({ code }) => code);
    expect(codes).toContain(QUEUE_FULL);
    expect(stats(rt).queueFull).toBeGreaterThan(0);
  });

  test("gives way to a signal", async () => {
    const { value: other, pids } = await started(() => load<"echo">(ECHO1, "3", { isolate: true }));
    const pid = pids[1] as number;
    await stop(pid);
    try {
      const abort = new AbortController();
      const answer = other.echo("x", { signal: abort.signal }).catch((e) => e);
      setTimeout(() => abort.abort(new Error("enough")), 10);
      expect(await answer).toMatchObject({ code: CANCELLED, cause: { message: "enough" } });
      expect(await other.echo("x", { signal: abort.signal }).catch((e) => e)).toMatchObject({ code: CANCELLED });
      expect(stats(other)).toMatchObject({ cancelled: 1, inFlight: 0 });
    } finally {
      process.kill(pid, "SIGCONT");
    }
    expect(String(await other.echo("on it goes"))).toBe("on it goes");
    expect(stats(other)).toMatchObject({ late: 1 });
  });
});
