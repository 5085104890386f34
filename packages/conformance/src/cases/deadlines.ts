import { setTimeout as delay } from "node:timers/promises";
import { resident } from "@resty-ffi/scripts/processes";
import { expect, test } from "vitest";
import type { Cell } from "../cell.js";
import { pidOf, settled, text } from "../expect.js";
import { Code } from "../host.js";

/** How much 20,000 timed-out calls may add to a warm process, in MB. */
const GROWTH = 6;
/** After this many times 10,000 calls a process is warm: the JVM's heap takes eight. */
const ROUNDS = 14;
/** The least number of rounds. */
const FEWEST = process.env.NIGHTLY === "1" ? 10 : 3;

export function deadlines(cell: () => Cell): void {
  const cancelled = async () => Number(await text(cell().rt, "cancelled"));

  test("a handler sees how much time is left", async () => {
    const { rt, host } = cell();
    const left = Number(await text(rt, "remaining", null, 3000));
    expect(left).toBeGreaterThan(1000);
    expect(left).toBeLessThanOrEqual(3000);
    const byDefault = Number(await text(rt, "remaining"));
    expect(byDefault).toBeGreaterThan(3000);
    expect(byDefault).toBeLessThanOrEqual(5000);
    if (host.unlimited) expect(await text(rt, "remaining", null, 0)).toBe("-1");
  });

  test("a timeout fires within 20 ms of its time", async () => {
    let late = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 50 && !(late < 15); i++) {
      const start = performance.now();
      const answer = await cell().rt.call("never", null, { timeout: 100 });
      late = Math.min(late, performance.now() - start - 100);
      expect(answer).toMatchObject({
        ok: false,
        code: Code.TIMEOUT,
        message: expect.stringMatching(/timeout.*runtime/),
      });
    }
    // nginx and Node.js round their clocks to whole milliseconds.
    expect(late).toBeGreaterThan(-2);
    expect(late).toBeLessThan(20);
  });

  test("a handler that never answers sees its cancellation", async () => {
    const before = await settled(cell().rt, "cancelled");
    for (let i = 0; i < 3; i++) {
      expect(await cell().rt.call("never", null, { timeout: 250 })).toMatchObject({ ok: false, code: Code.TIMEOUT });
    }
    await expect.poll(cancelled).toBe(before + 3);
  });

  test("handlers that ignore their cancellation hold up nobody else", async () => {
    const { rt, language } = cell();
    // Node.js has one thread per process, where they run one after the other.
    const ms = language === "node" ? 400 : 1000;
    const ignored = Array.from({ length: 4 }, () => rt.call("block", String(ms), { timeout: 30 }));
    for (const answer of await Promise.all(ignored)) {
      expect(answer).toMatchObject({ ok: false, code: Code.TIMEOUT });
    }
    const start = performance.now();
    expect(await text(rt, "echo", "meanwhile", 30_000)).toBe("meanwhile");
    if (language !== "node") expect(performance.now() - start).toBeLessThan(ms - 100);
  });

  test("a caller that goes away: the handler sees it, and the runtime's counters too", async () => {
    const { rt } = cell();
    const before = await settled(cell().rt, "cancelled");
    const stats = await rt.stats();
    await Promise.all([rt.abandon("never", 100), rt.abandon("never", 150), rt.abandon("never", 200)]);
    await expect.poll(cancelled).toBe(before + 3);
    expect(await rt.stats()).toMatchObject({ cancelled: stats.cancelled + 3, inFlight: 0 });
  });

  test("a late answer is dropped, and its caller's successors get their own", async () => {
    const { rt } = cell();
    const before = (await rt.stats()).late;
    const found = await Promise.all(Array.from({ length: 50 }, () => rt.call("sleep", "1500", { timeout: 20 })));
    expect(found.every((answer) => !answer.ok && answer.code === Code.TIMEOUT)).toBe(true);
    const mixed = Array.from({ length: 200 }, (_, i) => text(rt, "echo", `own ${i}`));
    expect(await Promise.all(mixed)).toEqual(mixed.map((_, i) => `own ${i}`));
    // Answers of earlier tests may still arrive.
    await expect.poll(async () => (await rt.stats()).late).toBeGreaterThanOrEqual(before + 50);
    expect(await text(rt, "echo", "after")).toBe("after");
  });

  test("10,000 timed-out calls, and 10,000 more, leave memory where it was", async () => {
    const { rt, host, transport } = cell();
    const pids = transport === "process" ? [host.pid, await pidOf(rt)] : [host.pid];
    const round = async () => {
      expect(await rt.timeOut(10_000, 500, 20)).toEqual({ [Code.TIMEOUT]: 10_000 });
      await text(rt, "echo", "all frames before this one are dealt with");
      await delay(100);
      await host.settle();
      return pids.map(resident);
    };
    // Heaps first grow to their usual size: the test is that the growth ends.
    const rounds = [await round(), await round(), await round()];
    const growth = () => Math.max(...pids.map((_, i) => (rounds.at(-1)?.[i] ?? 0) - (rounds.at(-3)?.[i] ?? 0)));
    while (rounds.length < FEWEST || (growth() >= GROWTH && rounds.length < ROUNDS)) rounds.push(await round());
    expect(growth(), `MB of ${pids} after each 10,000: ${rounds.join(" | ")}`).toBeLessThan(GROWTH);
    expect(await rt.stats()).toMatchObject({ inFlight: 0 });
  }, 300_000);
}
