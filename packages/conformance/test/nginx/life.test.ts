import { setTimeout as delay } from "node:timers/promises";
import { lua } from "@resty-ffi/nginx";
import { descendants, ended } from "@resty-ffi/scripts/processes";
import { afterEach, describe, expect, test } from "vitest";
import { everything } from "../../src/nginx/everything.js";
import { Nginx, type Settings } from "../../src/nginx/nginx.js";
import { LANGUAGES, runtimeOf } from "../../src/places.js";

/** How long a worker may take to end once its calls are done, in ms. */
const GRACE = 20_000;

/** Go, Rust, Python and Java on threads, Node.js in its process. */
const settings: Settings = { ...everything(), main: "worker_shutdown_timeout 30s;" };

describe("all five languages in one worker", () => {
  let nginx: Nginx | undefined;
  const start = async (own = settings) => {
    nginx = await Nginx.start(own);
    return nginx;
  };
  afterEach(async () => {
    await nginx?.stop();
    nginx = undefined;
  });

  const echo = async (of: Nginx, language: string, text: string) => {
    const reply = await of.request("POST", `/call/${language}/xor?timeout=30`, { body: text, agent: false });
    const expected = Buffer.from(text).map((byte) => byte ^ 0x5a);
    if (reply.status !== 200 || reply.headers["x-ok"] !== "1" || !reply.body.equals(expected)) {
      throw new Error(`${language}: ${reply.status} ${reply.headers["x-code"]} ${reply.body}`);
    }
  };
  const gone = (pids: number[]) => expect.poll(() => pids.filter((pid) => !ended(pid)), { timeout: GRACE }).toEqual([]);

  /** Calls of all languages, each on a connection of its own, until told to stop. */
  function load(of: Nginx, clients: number) {
    const problems: string[] = [];
    let on = true;
    let sent = 0;
    let answered = 0;
    const client = async (number: number) => {
      for (let i = number; on; i++) {
        sent++;
        await echo(of, LANGUAGES[i % 5] as string, `client ${number} call ${i} ${"x".repeat(i % 3000)}`).then(
          () => answered++,
          (error: Error) => problems.push(error.message),
        );
      }
    };
    const ended = Promise.all(Array.from({ length: clients }, (_, k) => client(k)));
    return {
      /** Resolves when `calls` more calls have been answered, or one has failed. */
      async more(calls: number) {
        for (const end = answered + calls; answered < end && problems.length === 0; ) await delay(5);
      },
      async stop() {
        on = false;
        await ended;
        return { sent, answered, problems };
      },
    };
  }

  test("they work side by side", async () => {
    const of = await start();
    const storms = LANGUAGES.map((name) => of.lua(`return fixture.storm("${name}", 2000, 16, 20000)`));
    expect(await Promise.all(storms)).toEqual(LANGUAGES.map(() => "ok=2000"));
    const pids = await Promise.all(
      LANGUAGES.map(async (name) => {
        const lang = JSON.parse((await of.request("POST", `/call/${name}/lang`)).body.toString());
        expect(lang.language).toBe(name);
        return lang.pid as number;
      }),
    );
    const [worker] = of.workers;
    expect(pids.slice(0, 4)).toEqual([worker, worker, worker, worker]);
    expect(pids[4]).not.toBe(worker);
    expect(of.alarms()).toEqual([]);
  });

  test("10 reloads under load: no lost call, no alarm, no worker and no process left over", async () => {
    const of = await start();
    const calls = load(of, 8);
    const old = new Set<number>();
    for (let i = 0; i < 10; i++) {
      const before = of.workers;
      for (const pid of descendants(of.master)) old.add(pid);
      of.signal("SIGHUP");
      await expect.poll(() => of.workers.some((pid) => !before.includes(pid)), { interval: 20 }).toBe(true);
      await calls.more(40);
    }
    const { sent, answered, problems } = await calls.stop();
    expect(of.alarms()).toEqual([]);
    expect(problems, of.errorLog().slice(-3000)).toEqual([]);
    expect(answered).toBe(sent);
    await gone([...old]);
    await expect.poll(() => of.workers.length, { timeout: GRACE }).toBe(1);
    expect(of.alarms()).toEqual([]);
    for (const language of LANGUAGES) await echo(of, language, "after the reloads");
  });

  test("quit with calls in flight: they are answered, then everything is gone", async () => {
    const of = await start();
    const pids = descendants(of.master);
    const answers = Promise.all(
      LANGUAGES.flatMap((language) =>
        Array.from({ length: 10 }, () =>
          of.request("POST", `/call/${language}/sleep?timeout=30`, { body: "2000", agent: false }),
        ),
      ),
    );
    const inFlight = (language: string) => of.lua(`return fixture.stats(${lua(language)})`);
    for (const language of LANGUAGES) await expect.poll(() => inFlight(language)).toContain("in_flight=10");
    const start_ = performance.now();
    of.signal("SIGQUIT");
    for (const { status, body } of await answers) expect([status, body.toString()]).toEqual([200, "slept"]);
    expect(await of.exited).toBe(0);
    expect(performance.now() - start_).toBeLessThan(GRACE);
    await gone(pids);
    expect(of.alarms()).toEqual([]);
  });

  test("a fast stop with calls that never end", async () => {
    const of = await start();
    const pids = descendants(of.master);
    const cut = LANGUAGES.map((language) =>
      of.request("POST", `/call/${language}/never?timeout=60`, { agent: false }).catch(() => "cut off"),
    );
    await delay(200);
    of.signal("SIGTERM");
    expect(await of.exited).toBe(0);
    await gone(pids);
    await Promise.all(cut);
    expect(of.alarms()).toEqual([]);
  });

  test("SIGQUIT to a worker with Java in it: it ends gracefully, and another worker takes its place", async () => {
    const of = await start();
    const [worker = 0] = of.workers;
    const pids = [worker, ...descendants(worker)];
    process.kill(worker, "SIGQUIT");
    await gone(pids);
    await expect.poll(() => echo(of, "java", "a new worker").then(() => true, String)).toBe(true);
    expect(of.workers).not.toContain(worker);
    expect(of.alarms()).toEqual([]);
  });

  test("kill -9 of a worker takes its runtimes' processes along", async () => {
    const of = await start();
    const [worker = 0] = of.workers;
    const pids = descendants(worker);
    expect(pids.length).toBeGreaterThanOrEqual(2);
    process.kill(worker, "SIGKILL");
    await gone(pids);
    await expect.poll(() => echo(of, "node", "a new worker").then(() => true, String)).toBe(true);
  });

  test("lua_code_cache off: each request has a Lua of its own, all of them the same runtimes", async () => {
    const of = await start({ ...settings, http: "lua_code_cache off;" });
    const { lib, cfg } = runtimeOf("go");
    const load = `local rt = assert(fixture.load("go", ${lua(lib)}, ${lua(cfg)}))`;
    const pids = new Set<string>();
    for (let i = 0; i < 50; i++) {
      expect(await of.lua(`${load} local ok, res = rt:echo("request ${i}") return res`)).toBe(`request ${i}`);
      pids.add(await of.lua(`${load} local ok, res = rt:lang() return res`));
      await of.lua(`${load} ngx.thread.spawn(function() rt:never(nil, { timeout = 60 }) end) ngx.exit(200)`);
    }
    expect(pids.size).toBe(1);
    // Cancelled as its Lua is closed, often before the handler has begun; the runtime has answered each all the same.
    const counters = `${load} local s = require("resty.ffi").stats(rt) return s.cancelled .. " " .. s.late`;
    await expect.poll(() => of.lua(counters)).toBe("50 50");
    expect(of.workers.length).toBe(1);
    // ngx_lua itself warns of the setting.
    expect(of.alarms().filter(({ text }) => !text.startsWith("lua_code_cache is off"))).toEqual([]);
  });

  test("each worker has runtimes of its own", async () => {
    const { lib, cfg, env } = runtimeOf("rust");
    const of = await start({
      env,
      workers: 2,
      http: `init_worker_by_lua_block {
        assert(require("fixture").load("rust", ${lua(lib)}, ${lua(cfg ?? undefined)}, { isolate = true, dicts = { "shared", "other" } }))
      }`,
    });
    const pids = new Set<number>();
    const seen = async () => {
      const replies = await Promise.all(
        Array.from({ length: 20 }, () => of.request("POST", "/call/rust/lang", { agent: false })),
      );
      for (const { body } of replies) pids.add((JSON.parse(body.toString()) as { pid: number }).pid);
      return pids.size;
    };
    await expect.poll(seen).toBe(2);
    // The dict is one for both.
    const counts = Array.from({ length: 50 }, () =>
      of.request("POST", "/call/rust/dict", { body: "incr both 1", agent: false }),
    );
    expect((await Promise.all(counts)).every(({ headers }) => headers["x-ok"] === "1")).toBe(true);
    expect(await of.lua(`return ngx.shared.shared:get("both")`)).toBe("50");
  });
});
