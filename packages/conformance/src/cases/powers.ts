import { setTimeout as delay } from "node:timers/promises";
import { descendants, ended, environmentOf, ownMemory } from "@resty-ffi/scripts/processes";
import { expect, test } from "vitest";
import { type Cell, HOSTS_OWN } from "../cell.js";
import { pidOf, text } from "../expect.js";
import { type Answer, Code } from "../host.js";

const NIGHTLY = process.env.NIGHTLY === "1";
/** The nightly run reloads every second for two minutes, a plain run a few times without a pause. */
const RELOADS = NIGHTLY ? { times: 120, ms: 120_000 } : { times: 4, ms: 1000 };

/** What runtimes use of their host: its log, its dicts, reloads. */
export function powers(cell: () => Cell): void {
  test("an unexpected exception's stack goes to the log, its message alone to the caller", async () => {
    const { rt, host } = cell();
    const answer = await rt.call("throw");
    if (answer.ok) throw new Error("answered");
    expect(answer.message.trim().split("\n")).toHaveLength(1);
    const logged = () => host.log().some(({ level, text }) => level === "error" && /thrown on purpose/.test(text));
    await expect.poll(logged).toBe(true);
  });

  test("dict: add, time to live, other dicts, and only those that are allowed", async () => {
    const { rt } = cell();
    const key = `key-${Math.random()}`;
    expect(await text(rt, "dict", `add ${key} one`)).toBe("one");
    expect(await rt.call("dict", `add ${key} two`)).toEqual({ ok: true, body: null });
    expect(await text(rt, "dict", `get ${key}`)).toBe("one");
    expect(await rt.call("dict", `in other get ${key}`)).toEqual({ ok: true, body: null });
    expect(await text(rt, "dict", `in other set ${key} elsewhere`)).toBe("elsewhere");
    expect(await text(rt, "dict", `in shared get ${key}`)).toBe("one");
    expect(await text(rt, "dict", `set brief-${key} gone 40`)).toBe("gone");
    expect(await text(rt, "dict", `add short-${key} gone 40`)).toBe("gone");
    expect(await text(rt, "dict", `incr count-${key} 2 40`)).toBe("2");
    await delay(80);
    for (const name of ["brief", "short", "count"]) {
      expect(await rt.call("dict", `get ${name}-${key}`)).toEqual({ ok: true, body: null });
    }
    const refused = await rt.call("dict", `in secret get ${key}`);
    expect(refused).toMatchObject({
      ok: false,
      message: expect.stringMatching(/may not use the shared dict "secret": name it in the option dicts/),
    });
  });

  test("reload: new calls go to the new code, calls and streams in flight end with the old", async () => {
    const { transport, host } = cell();
    const rt = await cell().another("reloaded");
    const before = await pidOf(rt);
    await rt.call("never", null, { timeout: 250 });
    await expect.poll(() => text(rt, "cancelled")).toBe("1");
    const slow = text(rt, "sleep", "700", 20_000);
    const stream = rt.stream("chat", "old", [
      { do: "recv" },
      { do: "sleep", ms: 500 },
      { do: "send", text: "still" },
      { do: "recv" },
      { do: "closeSend" },
      { do: "drain" },
    ]);
    await expect.poll(() => text(rt, "streams"), { interval: 10 }).toBe("1");
    await rt.reload();
    // The new instance has not counted anything yet.
    expect([await text(rt, "cancelled"), await text(rt, "streams")]).toEqual(["0", "0"]);
    expect(await slow).toBe("slept");
    expect(await stream).toMatchObject({ texts: ["old", "still"], status: 0 });
    expect(await rt.stats()).toMatchObject({ reloads: 1, inFlight: 0 });
    if (transport === "process") {
      expect(await pidOf(rt)).not.toBe(before);
      await expect.poll(() => ended(before)).toBe(true);
    } else {
      expect(ended(host.pid)).toBe(false);
    }
    await rt.unload();
  });

  test(`${RELOADS.times} reloads under 64 in flight: calls sent = calls answered, nothing left over`, async () => {
    const { host } = cell();
    const rt = await cell().another("reloaded under load");
    await rt.reload();
    // Processes of earlier runtimes end by themselves.
    const running = () => descendants(host.pid).length;
    const settled = async () => {
      const before = running();
      await delay(400);
      return running() === before;
    };
    await expect.poll(settled).toBe(true);
    const processes = running();
    const { sent, ...found } = await rt.reloadUnderLoad(RELOADS.times, 64, RELOADS.ms);
    expect(found).toEqual({ answered: sent, reloads: RELOADS.times });
    expect(sent).toBeGreaterThan(200);
    await expect.poll(running).toBe(processes);
    expect(await rt.stats()).toMatchObject({ reloads: RELOADS.times + 1, inFlight: 0 });
    await rt.unload();
  }, 300_000);
}

/** Options for child processes. */
export function children(cell: () => Cell): void {
  test("what it prints goes to the host's log, line by line", async () => {
    const { rt, host } = cell();
    const mark = `printed ${Math.random()}`;
    expect(await text(rt, "print", `stdout ${mark} out`)).toBe("");
    expect(await text(rt, "print", `stderr ${mark} err`)).toBe("");
    const found = () =>
      host
        .log()
        .filter((line) => line.text.includes(mark))
        .map(({ level, text }) => `${level} ${text.slice(-3)}`)
        .sort();
    await expect.poll(found).toEqual(["error err", "notice out"]);
  });

  test("limits.memory ends a process that takes more, and says so", async () => {
    const free = await cell().another("not limited");
    const limit = Math.ceil(ownMemory(await pidOf(free))) + 20;
    await free.unload();
    const rt = await cell().another("limited", { limits: { memory: limit * 2 ** 20 } });
    expect(await text(rt, "echo", "fits")).toBe("fits");
    const waiting = rt.call("never", null, { timeout: 50_000 });
    let answer: Answer | undefined;
    waiting.then((its) => {
      answer = its;
    });
    // Some languages hold their answers only for a moment, and memory is checked from time to time.
    while (!answer) await rt.burst("fill", String(40 * 2 ** 20), 2);
    const said = new RegExp(`\\(it held (\\d+) MB of memory, limits\\.memory allows ${limit} MB\\)$`);
    expect(answer).toMatchObject({ ok: false, code: Code.EXITED, message: expect.stringMatching(said) });
    expect(await text(rt, "echo", "after", 30_000)).toBe("after");
    await rt.unload();
  });

  test("env is an allow-list", async () => {
    const { rt, runtime } = cell();
    const hosts = environmentOf(await pidOf(rt));
    expect(hosts).toMatchObject(HOSTS_OWN);
    const passedOn = [...Object.keys(runtime.env), "PATH"];
    const env = [...passedOn, "NO_SUCH_VARIABLE", "RESTY_FFI_TEST=made up = so"];
    const limited = await cell().another("environment", { env });
    // The variables for the connection to the host are independent of the option.
    const { RESTY_FFI_LIB, RESTY_FFI_QUEUE, ...given } = environmentOf(await pidOf(limited));
    expect([RESTY_FFI_LIB, RESTY_FFI_QUEUE]).toEqual([expect.any(String), expect.any(String)]);
    expect(given).toEqual({
      ...Object.fromEntries(Object.entries(hosts).filter(([name]) => passedOn.includes(name))),
      RESTY_FFI_TEST: "made up = so",
    });
    await limited.unload();
  });

  test("a process that dies in a stream ends it with EXITED", async () => {
    const rt = await cell().another("dies in a stream");
    const seen = rt.stream("chat", "x", [{ do: "drain" }]);
    await expect.poll(() => text(rt, "streams"), { interval: 10 }).toBe("1");
    process.kill(await pidOf(rt), "SIGKILL");
    expect(await seen).toMatchObject({ status: Code.EXITED, message: expect.stringContaining("signal 9") });
    expect(await text(rt, "echo", "back", 30_000)).toBe("back");
    await rt.unload();
  });
}
