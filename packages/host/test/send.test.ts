import { afterAll, beforeAll, expect, test } from "vitest";
import {
  BAD_ARGUMENT,
  close,
  configure,
  load,
  methodStats,
  type Runtime,
  send,
  stats,
  UNLOADED,
  unload,
} from "../src/index.js";
import { METHODS } from "./runtimes.js";

const lines: string[] = [];
let rt: Runtime<"dict" | "cancelled">;
beforeAll(async () => {
  configure({ onLog: (_level, text) => lines.push(text) });
  rt = await load<"dict" | "cancelled">(METHODS, null, { dicts: ["sent"] });
});
afterAll(() => close());

const UNTIL = { timeout: 20_000 };

test("a one-way call is served, though nobody waits", async () => {
  for (let i = 0; i < 100; i++) expect(send(rt, "dict", "incr served 1")).toBeUndefined();
  await expect.poll(async () => String(await rt.dict("get served")), UNTIL).toBe("100");
  await expect.poll(() => stats(rt).inFlight, UNTIL).toBe(0);
});

test("a failure is logged and counted", async () => {
  send(rt, "fail", "42 went wrong");
  await expect.poll(() => lines.join("\n"), UNTIL).toContain('the one-way call of "fail" failed (code 42): went wrong');
  expect(methodStats(rt).get("fail")?.errors).toMatchObject({ runtime: 1 });
});

test("its deadline is the runtime's, or its own", async () => {
  send(rt, "never", null, { timeout: 50 });
  await expect.poll(async () => String(await rt.cancelled()), UNTIL).toBe("1");
  expect(methodStats(rt).get("never")?.errors).toMatchObject({ timeout: 1 });
});

test("what is wrong is thrown", async () => {
  expect(() => send(rt, "")).toThrow(expect.objectContaining({ code: BAD_ARGUMENT }));
  expect(() => send(rt, "echo", 7 as unknown as string)).toThrow(TypeError);
  expect(() => send(rt, "echo", "x", { signal: AbortSignal.abort() } as object)).toThrow('no option "signal"');
  const gone = await load(METHODS, "gone");
  unload(gone);
  expect(() => send(gone, "echo", "x")).toThrow(expect.objectContaining({ code: UNLOADED }));
});
