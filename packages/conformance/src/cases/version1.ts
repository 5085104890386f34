import { randomBytes } from "node:crypto";
import { descendants, stop } from "@resty-ffi/scripts/processes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HostKind, Transport } from "../cell.js";
import { body, text } from "../expect.js";
import { Code, type Host, type Loaded, type LoadOptions } from "../host.js";
import { nginxHost } from "../nginx_host.js";
import { nodeHost } from "../node_host.js";
import { ECHO1, ECHO2, UNRULY } from "../places.js";

/** Libraries in C without an SDK: version 1 only, as they were built for lua-resty-ffi, and the header's version 2. */
export function version1(kind: HostKind, transport: Transport): void {
  let host: Host;
  const isolate = transport === "process";
  const load = (lib: string, cfg: string | null = null, options: LoadOptions = {}): Promise<Loaded> =>
    host.load(lib, cfg, { isolate, ...options });
  const refusal = (lib: string, cfg: string | null, options?: LoadOptions): Promise<string> =>
    load(lib, cfg, options).then(
      () => "",
      (error: Error) => error.message,
    );
  beforeAll(async () => {
    host = await (kind === "node" ? nodeHost : nginxHost)({});
  });
  afterAll(() => host.close());

  describe.each([
    ["version 1", ECHO1],
    ["version 2", ECHO2],
  ])("echo, %s", (_name, lib) => {
    test.each([0, 1, 64, 65_536, 2 ** 24])("%i bytes", async (size) => {
      const bytes = randomBytes(size);
      expect(body(await (await load(lib)).call("echo", bytes, { timeout: 30_000 })).equals(bytes)).toBe(true);
    });

    test("nil, any method, many at once", async () => {
      const rt = await load(lib);
      expect(await rt.call("whatever")).toEqual({ ok: true, body: null });
      expect(await rt.burst("another", "x".repeat(1000), 5000)).toEqual({ ok: 5000 });
    });

    test("unload with calls in flight, and load again", async () => {
      for (let i = 0; i < 5; i++) {
        const rt = await load(lib, "2");
        const answers = Array.from({ length: 50 }, (_, n) => rt.call("echo", `${i} ${n}`));
        await rt.call("echo", "the ones before are under way");
        await rt.unload();
        for (const answer of await Promise.all(answers)) {
          if (!answer.ok) expect(answer.code).toBe(Code.UNLOADED);
        }
        expect(await rt.call("echo", "late")).toMatchObject({ ok: false, code: Code.UNLOADED });
      }
    });
  });

  test("a nil request is NULL; answers are as long as they say, and C strings if they do not say", async () => {
    const rt = await load(UNRULY);
    expect(await text(rt, "any")).toBe("nil request");
    expect(await rt.call("any", "none")).toEqual({ ok: true, body: null });
    expect(await rt.call("any", "empty")).toEqual({ ok: true, body: Buffer.alloc(0) });
    for (const size of [1, 24, 100_000]) expect(await text(rt, "any", `text ${size}`)).toBe("x".repeat(size));
    expect(await rt.call("any", "nul")).toEqual({ ok: true, body: Buffer.from("a\0b") });
    expect(await rt.call("any", "code 7 seven")).toEqual({ ok: false, code: 7, message: "seven" });
  });

  const logged = (part: RegExp) => () => host.log().filter((line) => part.test(line.text)).length;

  test("a second answer is refused and logged, and takes nobody else's place", async () => {
    const rt = await load(UNRULY);
    const before = logged(/answered a task twice/)();
    for (let i = 0; i < 50; i++) {
      expect(await text(rt, "any", `twice ${i}`)).toBe(String(i));
      expect(await text(rt, "any", `echo ${i}`)).toBe(String(i));
    }
    await expect.poll(logged(/answered a task twice/)).toBe(before + 50);
  });

  test("a negative length is refused and logged", async () => {
    const rt = await load(UNRULY);
    expect(await rt.call("any", "negative")).toMatchObject({
      ok: false,
      code: Code.BAD_ARGUMENT,
      message: expect.stringContaining("negative length"),
    });
    await expect.poll(logged(/length of -1/)).toBeGreaterThan(0);
    expect(await text(rt, "any", "echo next")).toBe("next");
  });

  test("a late answer is dropped", async () => {
    const rt = await load(UNRULY, "4");
    const answers = await Promise.all(Array.from({ length: 4 }, () => rt.call("any", "sleep 2000", { timeout: 50 })));
    expect(answers.map((answer) => !answer.ok && answer.code)).toEqual(Array(4).fill(Code.TIMEOUT));
    expect(await text(rt, "any", "echo after", 20_000)).toBe("after");
    await expect.poll(async () => (await rt.stats()).late).toBe(4);
  });

  test("queue full: at once, while its only thread is busy", async () => {
    const rt = await load(UNRULY, "1 of a small queue", { maxQueue: 4 });
    const busy = rt.call("any", "sleep 4000", { timeout: 30_000 });
    await expect.poll(async () => (await rt.stats()).inFlight, { interval: 5 }).toBe(1);
    await expect.poll(async () => (await rt.stats()).queued, { interval: 5 }).toBe(0);
    const waiting = rt.burst("any", "echo x", 10);
    await expect.poll(async () => (await rt.stats()).queueFull, { interval: 5 }).toBe(6);
    const refused = await Promise.race([busy, rt.call("any", "echo y")]);
    expect(refused).toMatchObject({ ok: false, code: Code.QUEUE_FULL, message: expect.stringMatching(/queue full/) });
    expect(await waiting).toEqual({ ok: 4, [Code.QUEUE_FULL]: 6 });
    expect(await busy).toMatchObject({ ok: true });
    expect(await text(rt, "any", "echo next")).toBe("next");
  });

  test("unload while its threads work: they finish", async () => {
    const rt = await load(UNRULY, "2 for unload");
    const slept = [text(rt, "any", "sleep 800"), text(rt, "any", "sleep 800")];
    await expect.poll(async () => (await rt.stats()).inFlight, { interval: 5 }).toBe(2);
    await rt.unload();
    expect(await Promise.all(slept)).toEqual(["slept", "slept"]);
  });

  test("libffi_init returns 3", async () => {
    expect(await refusal(UNRULY, "return 3")).toMatch(/cannot load ".*libffi_c_unruly\.so": .*\b3\b/);
  });

  test("libffi_init hangs: the load ends at its timeout", async () => {
    expect(await refusal(UNRULY, "hang", { loadTimeout: 300 })).toMatch(/cannot load .*300 ms/);
    expect(await text(await load(UNRULY), "any", "echo the host goes on")).toBe("the host goes on");
  });

  if (!isolate) return;

  test("libffi_init leaves its process", async () => {
    expect(await refusal(UNRULY, "exit 5")).toMatch(/cannot load .*\b5\b/);
  });

  test("a process that hangs in libffi_init is gone after the load timeout", async () => {
    const before = descendants(host.pid).length;
    expect(await refusal(UNRULY, "hang", { loadTimeout: 200 })).toMatch(/200 ms/);
    await expect.poll(() => descendants(host.pid).length).toBeLessThanOrEqual(before);
  });

  test("kill -9, and the next call is served", async () => {
    const rt = await load(UNRULY, "1 to be killed");
    const pid = Number(await text(rt, "any", "pid"));
    const pending = rt.call("any", "sleep 10000", { timeout: 20_000 });
    await expect.poll(async () => (await rt.stats()).inFlight, { interval: 5 }).toBe(1);
    process.kill(pid, "SIGKILL");
    expect(await pending).toMatchObject({ ok: false, code: Code.EXITED, message: expect.stringMatching(/exited \(/) });
    expect(await text(rt, "any", "echo back", 10_000)).toBe("back");
  });

  test("a process that stands still can be unloaded all the same", async () => {
    const rt = await load(UNRULY, "1 to be stopped");
    const before = descendants(host.pid).length;
    await stop(Number(await text(rt, "any", "pid")));
    expect(await rt.call("any", "echo x", { timeout: 50 })).toMatchObject({ ok: false, code: Code.TIMEOUT });
    await rt.unload();
    await expect.poll(() => descendants(host.pid).length).toBeLessThan(before);
  });
}
