import { setTimeout as delay } from "node:timers/promises";
import { lua } from "@resty-ffi/nginx";
import { descendants, ended } from "@resty-ffi/scripts/processes";
import { expect, test } from "vitest";
import { everything } from "../../src/nginx/everything.js";
import { Nginx } from "../../src/nginx/nginx.js";
import { LANGUAGES } from "../../src/places.js";

const NIGHTLY = process.env.NIGHTLY === "1";
const SECONDS = Number(process.env.CHAOS_SECONDS ?? (NIGHTLY ? 300 : 20));
const SEED = Number(process.env.CHAOS_SEED ?? Date.now() % 2 ** 31);
/** Seconds that a caller may wait beyond its deadline, on a machine that does other things too. */
const SLACK = 3;

/** mulberry32: the same numbers for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Light threads that call and stream, and are killed now and then. Says how long the longest wait beyond a deadline
 * was.
 */
const CALLERS = `
  local ffi, runtimes = require "resty.ffi", fixture.runtimes
  local names, seconds = ARGUMENTS
  math.randomseed(SEED)
  local random = math.random
  local calls, streams, killed, worst, where = 0, 0, 0, 0, ""
  local stop = ngx.now() + seconds

  local function timed(what, timeout, work)
    local start = ngx.now()
    work()
    ngx.update_time()
    local late = ngx.now() - start - timeout
    if late > worst then worst, where = late, what end
  end

  local plain = { { "echo", "x" }, { "sleep", "20" }, { "never" }, { "throw" }, { "fill", "70000" }, { "block", "5" },
                  { "fail", "7 x" }, { "dict", "incr chaos 1" }, { "log", "info x" } }
  local streaming = { { "count", "50" }, { "flood", "20" }, { "chat", "x" }, { "failstream", "3" } }

  local function call(rt)
    local what, timeout = plain[random(#plain)], random() * 0.5 + 0.01
    calls = calls + 1
    timed(what[1], timeout, function() rt[what[1]](rt, what[2], { timeout = timeout }) end)
  end

  local function stream(rt)
    local what, timeout = streaming[random(#streaming)], random() * 0.5 + 0.05
    streams = streams + 1
    timed("stream " .. what[1], timeout, function()
      local s = ffi.stream(rt, what[1], what[2], { timeout = timeout })
      if not s then ngx.sleep(0.005) return end
      while random(40) > 1 do
        if random(3) == 1 and not s:send("more") then break end
        local ok, message = s:recv()
        if not (ok and message) then break end
      end
      s:close()
    end)
  end

  local function caller()
    while ngx.now() < stop do
      local rt = runtimes[names[random(#names)]]
      if random(3) == 1 then stream(rt) else call(rt) end
      ngx.sleep(0.001)
    end
  end

  local threads = {}
  for k = 1, 24 do threads[k] = ngx.thread.spawn(caller) end
  while ngx.now() < stop do
    ngx.sleep(random() * 0.2)
    local k = random(#threads)
    if ngx.thread.kill(threads[k]) then killed = killed + 1 end
    threads[k] = ngx.thread.spawn(caller)
  end
  for k = 1, #threads do ngx.thread.wait(threads[k]) end
  return ("calls=%d streams=%d killed=%d worst=%.3f where=%s"):format(calls, streams, killed, worst, where)`;

test(
  `chaos for ${SECONDS} s: nobody waits beyond a deadline, nothing is left (CHAOS_SEED=${SEED})`,
  async () => {
    const next = random(SEED);
    const nginx = await Nginx.start(everything({ drain_timeout: 1, isolate: true }));
    try {
      const [worker = 0] = nginx.workers;
      const callers = nginx.lua(
        CALLERS.replace("ARGUMENTS", `${lua([...LANGUAGES])}, ${SECONDS}`).replace("SEED", String(SEED)),
      );
      let done = false;
      void callers.finally(() => {
        done = true;
      });
      let kills = 0;
      let reloads = 0;
      while (!done) {
        await delay(100 + next() * 500);
        if (next() < 0.6) {
          const pids = descendants(worker);
          const pid = pids[Math.floor(next() * pids.length)];
          if (pid && !ended(pid)) {
            process.kill(pid, "SIGKILL");
            kills++;
          }
        } else if (!done) {
          const language = LANGUAGES[Math.floor(next() * LANGUAGES.length)] as string;
          // Its new code may be killed before it is up: then the old one goes on.
          await nginx.lua(`require("resty.ffi").reload(fixture.runtimes[${lua(language)}])`);
          reloads++;
        }
      }
      const report = await callers;
      const [, calls, streams, killed, worst] =
        /^calls=(\d+) streams=(\d+) killed=(\d+) worst=(-?[\d.]+)/.exec(report)?.map(Number) ?? [];
      expect(worst, report).toBeLessThan(SLACK);
      expect(calls, report).toBeGreaterThan(SECONDS * 10);
      expect(streams, report).toBeGreaterThan(SECONDS * 5);
      expect(killed, report).toBeGreaterThan(SECONDS);
      expect(kills).toBeGreaterThan(SECONDS / 10);
      expect(reloads).toBeGreaterThan(SECONDS / 20);
      expect(nginx.workers).toEqual([worker]);
      for (const language of LANGUAGES) {
        const name = lua(language);
        const alive = `local ok, res = fixture.runtimes[${name}]:echo("alive", { timeout = 30 }) return ok and res`;
        await expect.poll(() => nginx.lua(alive), { timeout: 30_000 }).toBe("alive");
        const left = `return require("resty.ffi").stats(fixture.runtimes[${name}]).in_flight`;
        await expect.poll(() => nginx.lua(left)).toBe("0");
        const streaming = `local ok, res = fixture.runtimes[${name}]:streams() return res`;
        await expect.poll(() => nginx.lua(streaming)).toBe("0");
      }
      // nginx logs each foreign process that it reaps: here the watchers of the killed runtimes.
      const own = /^unknown process \d+ exited on signal 9$/;
      const alarms = nginx.log().filter(({ level, text }) => ["alert", "emerg"].includes(level) && !own.test(text));
      expect(alarms).toEqual([]);
    } finally {
      await nginx.stop();
    }
  },
  (SECONDS + 120) * 1000,
);
