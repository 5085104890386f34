import { setTimeout as delay } from "node:timers/promises";
import { descendants, descriptors, ended, runtimeThreads, stop } from "@resty-ffi/scripts/processes";
import { expect, test } from "vitest";
import type { Cell } from "../cell.js";
import { body, pidOf, text } from "../expect.js";
import { type Answer, Code } from "../host.js";

export function life(cell: () => Cell): void {
  test("the same key twice is one runtime", async () => {
    const { rt, runtime, host, transport } = cell();
    const same = await host.load(runtime.lib, runtime.cfg, { isolate: transport === "process" });
    expect(await pidOf(same)).toBe(await pidOf(rt));
    const before = (await rt.stats()).calls;
    await text(same, "echo", "x");
    expect((await rt.stats()).calls).toBe(before + 1);
  });

  test("two configurations of one library are two runtimes", async () => {
    const { transport } = cell();
    const [one, two] = [await cell().another("one"), await cell().another("two")];
    expect([await text(one, "config"), await text(two, "config")]).toEqual(["one", "two"]);
    expect(await one.call("never", null, { timeout: 250 })).toMatchObject({ ok: false });
    await expect.poll(() => text(one, "cancelled")).toBe("1");
    if (cell().language !== "node" && transport === "thread") expect(await pidOf(one)).toBe(await pidOf(two));
    else expect(await pidOf(one)).not.toBe(await pidOf(two));
    const answers = await Promise.all([one, two].map((rt) => rt.storm({ calls: 300, inFlight: 16, largest: 5000 })));
    expect(answers).toEqual([{ ok: 300 }, { ok: 300 }]);
    await one.unload();
    expect(await text(two, "config")).toBe("two");
    await two.unload();
  });

  test("unload lets the calls in flight finish, refuses new ones, and the key can be loaded again", async () => {
    const rt = await cell().another("unloaded");
    await text(rt, "echo", "up");
    const pending = Array.from({ length: 20 }, () => text(rt, "sleep", "800"));
    await expect.poll(async () => (await rt.stats()).inFlight, { interval: 5 }).toBe(20);
    await rt.unload();
    const late = await rt.call("echo", "late");
    expect(late).toMatchObject({ ok: false, code: Code.UNLOADED, message: expect.stringMatching(/unloaded.*runtime/) });
    expect(await Promise.all(pending)).toEqual(pending.map(() => "slept"));
    const again = await cell().another("unloaded");
    expect(await text(again, "config")).toBe("unloaded");
    expect(await text(again, "cancelled")).toBe("0");
    expect(await rt.call("echo", "still")).toMatchObject({ ok: false, code: Code.UNLOADED });
    await again.unload();
  });

  test("unload and load, five times, leave no process, thread or descriptor behind", async () => {
    const { host } = cell();
    const cycle = async (text: string) => {
      const rt = await cell().another("again and again");
      expect(body(await rt.call("echo", text)).toString()).toBe(text);
      await rt.unload();
    };
    // Waits until everything from earlier tests has ended, and until the first load has allocated what it keeps.
    await cycle("first");
    const left = () => ({
      processes: descendants(host.pid).length,
      threads: runtimeThreads(host.pid).length,
      descriptors: descriptors(host.pid),
    });
    await expect
      .poll(
        async () => {
          const before = left();
          await delay(300);
          return JSON.stringify(before) === JSON.stringify(left());
        },
        { timeout: 30_000 },
      )
      .toBe(true);
    /** How many threads five cycles may leave: one per cycle would be a leak. */
    const growth = async () => {
      const { threads, ...others } = left();
      for (let i = 0; i < 5; i++) await cycle(String(i));
      const now = () => ({ processes: left().processes, descriptors: left().descriptors });
      await expect.poll(now).toEqual(others);
      for (let tries = 0; tries < 100 && left().threads > threads + 3; tries++) await delay(50);
      return left().threads - threads;
    };
    // Thread pools, for example Go's, grow at first: the test is that the growth ends.
    let grown = await growth();
    for (let round = 0; round < 4 && grown > 3; round++) grown = await growth();
    expect(grown).toBeLessThanOrEqual(3);
  });

  test("more calls at once than the queue holds: each is answered or refused, none is lost", async () => {
    const rt = await cell().another("small queue", { maxQueue: 8 });
    const found = await rt.burst("xor", "some bytes", 2000);
    const { ok = 0, [Code.QUEUE_FULL]: full = 0 } = found;
    expect(ok + full).toBe(2000);
    expect(ok).toBeGreaterThan(0);
    expect((await rt.stats()).queueFull).toBe(full);
    expect(await text(rt, "echo", "next")).toBe("next");
    await rt.unload();
  });
}

/** Events that only a runtime in a process of its own can survive. */
export function crashes(cell: () => Cell): void {
  test("queue full: the caller learns it at once", async () => {
    const rt = await cell().another("stopped", { maxQueue: 8 });
    const pid = await pidOf(rt);
    await stop(pid);
    const start = performance.now();
    const found = rt.burst("echo", "x", 100);
    await expect.poll(async () => (await rt.stats()).queueFull, { interval: 5 }).toBeGreaterThanOrEqual(80);
    expect(performance.now() - start).toBeLessThan(20_000); // at its timeout a call would fail after 60 s
    expect(await rt.call("echo", "one more")).toMatchObject({
      ok: false,
      code: Code.QUEUE_FULL,
      message: expect.stringMatching(/queue full.*runtime/),
    });
    process.kill(pid, "SIGCONT");
    const { ok = 0, [Code.QUEUE_FULL]: full = 0 } = await found;
    expect(ok).toBeGreaterThan(0);
    expect(ok + full).toBe(100);
    expect(await text(rt, "echo", "next")).toBe("next");
    await rt.unload();
  });

  test("kill -9: the calls in flight fail with a clear error, the next ones are served", async () => {
    const { rt, host } = cell();
    const pid = await pidOf(rt);
    const before = (await rt.stats()).restarts;
    const pending = Array.from({ length: 10 }, () => rt.call("sleep", "20000", { timeout: 30_000 }));
    await expect.poll(async () => (await rt.stats()).inFlight, { interval: 5 }).toBe(10);
    const start = performance.now();
    process.kill(pid, "SIGKILL");
    for (const answer of await Promise.all(pending)) {
      expect(answer).toMatchObject({
        ok: false,
        code: Code.EXITED,
        message: expect.stringMatching(/^runtime ".+" exited \(.*(9|[Kk]ill).*\)/),
      });
    }
    expect(performance.now() - start).toBeLessThan(10_000); // sleep would take twice as long
    expect(await text(rt, "echo", "served again", 30_000)).toBe("served again");
    expect(await pidOf(rt)).not.toBe(pid);
    expect((await rt.stats()).restarts).toBe(before + 1);
    expect(ended(pid)).toBe(true);
    expect(host.log().filter(({ text }) => text.includes("exited (")).length).toBeGreaterThan(0);
  });

  test.each([
    ["crash", /exited \(.*(6|[Aa]bort).*\)/],
    ["exit", /exited \(.*\b3\b.*\)/],
  ])("%s: the host lives and the runtime comes back", async (method, message) => {
    const rt = await cell().another(`to ${method}`);
    const other = rt.call("sleep", "20000", { timeout: 30_000 });
    await expect.poll(async () => (await rt.stats()).inFlight, { interval: 5 }).toBe(1);
    const answer = await rt.call(method, null, { timeout: 30_000 });
    expect(answer).toMatchObject({ ok: false, code: Code.EXITED, message: expect.stringMatching(message) });
    expect(await other).toMatchObject({ ok: false, code: Code.EXITED });
    expect(await text(rt, "echo", "back", 30_000)).toBe("back");
    await rt.unload();
  });

  test("restart = false: the calls after its end say so", async () => {
    const rt = await cell().another("no restart", { restart: false });
    expect(await rt.call("exit", null, { timeout: 30_000 })).toMatchObject({ ok: false, code: Code.EXITED });
    expect(await rt.call("echo", "x")).toMatchObject({
      ok: false,
      code: Code.EXITED,
      message: expect.stringMatching(/exited \(.*3.*\)/),
    });
    await rt.unload();
  });

  test("workers: the calls are spread over several processes", async () => {
    const rt = await cell().another("three workers", { workers: 3 });
    const pids = new Set<number>();
    const busy: Promise<Answer>[] = [];
    for (let i = 0; i < 20 && pids.size < 3; i++) {
      const answers = await Promise.all(Array.from({ length: 6 }, () => rt.call("lang")));
      for (const answer of answers) pids.add((JSON.parse(body(answer).toString()) as { pid: number }).pid);
      // A busy process receives fewer calls than the others.
      busy.push(rt.call("block", "50"));
    }
    await Promise.all(busy);
    expect(pids.size).toBe(3);
    expect(await rt.storm({ calls: 2000, inFlight: 64, largest: 20_000 })).toEqual({ ok: 2000 });
    await rt.unload();
  });
}
