import { ended } from "@resty-ffi/scripts/processes";
import { expect, test } from "vitest";
import type { Cell } from "../cell.js";
import { body, text } from "../expect.js";
import { Code } from "../host.js";

export function answers(cell: () => Cell): void {
  test("lang", async () => {
    const { rt, language, transport, host } = cell();
    const lang = JSON.parse(await text(rt, "lang"));
    expect(lang).toMatchObject({
      language,
      version: expect.stringMatching(/^\d+(\.\d+)+/),
      sdk: expect.stringMatching(/^\d+\.\d+\.\d+/),
      abi: 2,
    });
    if (transport === "thread") expect(lang.pid).toBe(host.pid);
    else expect(lang.pid).not.toBe(host.pid);
    expect(ended(lang.pid)).toBe(false);
  });

  test("config", async () => {
    const { rt, runtime, language } = cell();
    const answer = await rt.call("config");
    const loader = ["python", "java", "node"].includes(language);
    const wanted = loader ? (runtime.cfg ?? "").split(",").slice(2).join(",") : runtime.cfg;
    expect(answer.ok && answer.body?.toString()).toBe(wanted === null ? undefined : wanted);
  });

  test("a handler's own code and message", async () => {
    const { rt } = cell();
    expect(await rt.call("fail", "7 mid way")).toEqual({ ok: false, code: 7, message: "mid way" });
    expect(await rt.call("fail", "2147483647 grüße, \u{1F600}")).toEqual({
      ok: false,
      code: 2147483647,
      message: "grüße, \u{1F600}",
    });
    expect(await text(rt, "echo", "next")).toBe("next");
  });

  test("an unknown method: the names that there are", async () => {
    const answer = await cell().rt.call("no_such_method");
    expect(answer).toMatchObject({ ok: false, code: Code.NO_METHOD });
    if (answer.ok) throw new Error("answered");
    expect(answer.message).toMatch(/^runtime ".+" has no method "no_such_method"; it has: /);
    for (const name of ["lang", "echo", "xor", "never", "cancelled", "exit"]) expect(answer.message).toContain(name);
  });

  test("methods may have any name", async () => {
    for (const name of ["key", "then", "__index", "constructor", "a.b-c/d"]) {
      expect(await cell().rt.call(name), name).toMatchObject({ ok: false, code: Code.NO_METHOD });
    }
  });

  test("sleep holds no thread: 200 at once take about as long as one", async () => {
    const start = performance.now();
    expect(await cell().rt.burst("sleep", "300", 200)).toEqual({ ok: 200 });
    const took = performance.now() - start;
    expect(took).toBeGreaterThan(290);
    expect(took).toBeLessThan(10_000);
  });

  test("other calls go on while one blocks, unless the handlers have one thread only", async () => {
    const { rt, language } = cell();
    const blocked = text(rt, "block", "600");
    const first = await Promise.race([blocked, text(rt, "echo", "meanwhile")]);
    // Node.js has one thread per process; it needs workers = n.
    if (language !== "node") expect(first).toBe("meanwhile");
    expect(await blocked).toBe("blocked");
  });

  test.each(["debug", "info", "notice", "warn", "error", "crit"])("log at level %s", async (level) => {
    const { rt, host } = cell();
    const line = `logged on purpose, ${level} ${Math.random()}`;
    expect(await text(rt, "log", `${level} ${line}`)).toBe("logged");
    const found = () => host.log().filter((entry) => entry.text.includes(line));
    if (host.levels.includes(level)) {
      await expect.poll(found).toHaveLength(1);
      expect(found()[0]?.level).toBe(level);
    } else {
      await text(rt, "echo", "the line has arrived by now");
      expect(found()).toEqual([]);
    }
  });

  test("the host's shared dict", async () => {
    const { rt } = cell();
    const key = `key-${Math.random()}`;
    expect(await rt.call("dict", `get ${key}`)).toEqual({ ok: true, body: null });
    expect(await text(rt, "dict", `set ${key} a value, with spaces`)).toBe("a value, with spaces");
    expect(await text(rt, "dict", `get ${key}`)).toBe("a value, with spaces");
    expect(await rt.call("dict", `delete ${key}`)).toEqual({ ok: true, body: null });
    expect(await rt.call("dict", `get ${key}`)).toEqual({ ok: true, body: null });
    expect(await text(rt, "dict", `incr ${key} 5`)).toBe("5");
    expect(await text(rt, "dict", `incr ${key} -7`)).toBe("-2");
    expect(await text(rt, "dict", `set ${key} text`)).toBe("text");
    const refused = await rt.call("dict", `incr ${key} 1`);
    expect(refused).toMatchObject({ ok: false, message: expect.stringMatching(/not a number/) });
    expect(body(await rt.call("dict", `get ${key}`))).toEqual(Buffer.from("text"));
  });

  test("200 dict calls at once", async () => {
    const { rt } = cell();
    const key = `count-${Math.random()}`;
    expect(await rt.burst("dict", `incr ${key} 1`, 200)).toEqual({ ok: 200 });
    expect(await text(rt, "dict", `get ${key}`)).toBe("200");
  });

  // The last test here: its stacks use up the log lines of a second.
  test("a handler that throws: its message arrives, and the runtime lives", async () => {
    const { rt } = cell();
    for (let i = 0; i < 20; i++) {
      expect(await rt.call("throw")).toMatchObject({
        ok: false,
        code: Code.THREW,
        message: expect.stringContaining("thrown on purpose"),
      });
    }
    expect(await text(rt, "echo", "next")).toBe("next");
    const found = await rt.burst("throw", "", 500);
    expect(found).toEqual({ [Code.THREW]: 500 });
  });
}
