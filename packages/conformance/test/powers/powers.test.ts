import { lua } from "@resty-ffi/nginx";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Nginx } from "../../src/nginx/nginx.js";
import { LANGUAGES } from "../../src/places.js";
import { powersOf } from "./runtimes.js";

/** The examples that docs/ quotes, in the real nginx: each does what is written beside it. */
describe.each(LANGUAGES)("examples/powers of %s", (language) => {
  let nginx: Nginx;
  beforeAll(async () => {
    const configured = powersOf(language, '{"greeting":"Servus"}');
    const plain = powersOf(language, null);
    nginx = await Nginx.start({ env: configured.env, http: "lua_shared_dict cache 1m; lua_shared_dict secret 1m;" });
    await nginx.lua(`
      local options = { dicts = { "cache" }, load_timeout = 60 }
      assert(fixture.load("configured", ${lua(configured.lib)}, ${lua(configured.cfg)}, options))
      assert(fixture.load("plain", ${lua(plain.lib)}, ${lua(plain.cfg)}, { dicts = { "secret" }, load_timeout = 60 }))`);
  });
  afterAll(() => nginx.stop());

  /** What the chunk returns, as text with bars between. */
  const run = (chunk: string) =>
    nginx.lua(`
      local ffi, rt, plain = require "resty.ffi", fixture.runtimes.configured, fixture.runtimes.plain
      local function seen(...)
        local all = {}
        for k = 1, select("#", ...) do all[k] = tostring((select(k, ...))) end
        return table.concat(all, "|")
      end
      return seen((function() ${chunk} end)())`);

  test("streams: ticks sends as many messages as it is asked for", async () => {
    const all = await run(`
      local stream, got = assert(ffi.stream(rt, "ticks", 5)), {}
      while true do
        local ok, message, err = stream:recv()
        if not message or not ok then return table.concat(got, ","), ok, message, err end
        got[#got + 1] = message
      end`);
    expect(all).toBe("tick 0,tick 1,tick 2,tick 3,tick 4|true|nil|nil");
  });

  test("streams: upper sends each message back until its client has closed", async () => {
    const all = await run(`
      local stream = assert(ffi.stream(rt, "upper"))
      assert(stream:send("hello"))
      local _, first = stream:recv()
      assert(stream:send("world"))
      local _, second = stream:recv()
      assert(stream:close_send())
      return first, second, stream:recv()`);
    expect(all).toBe("HELLO|WORLD|true|nil");
  });

  test("streams: ticks that nobody reads waits, and ends when its stream is closed", async () => {
    const all = await run(`
      local stream = assert(ffi.stream(rt, "ticks", 1000000))
      local _, first = stream:recv()
      ngx.sleep(0.1)
      local before = ffi.stats(rt)
      stream:close()
      return first, before.in_flight, ffi.stats(rt).in_flight, before.methods.ticks.bytes_out < 300000`);
    expect(all).toBe("tick 0|1|0|true");
  });

  test("deadlines: slow stops at its timeout, and a call meanwhile is served", async () => {
    const all = await run(`
      local late = ffi.stats(rt).late
      ngx.update_time()
      local start = ngx.now()
      local slow = ngx.thread.spawn(function() return rt:slow(nil, { timeout = 0.3 }) end)
      local ok, answer = rt:divide("42 6")
      ngx.update_time()
      local meanwhile = ngx.now() - start < 0.25
      local _, done, code, message = ngx.thread.wait(slow)
      ngx.update_time()
      local took = ngx.now() - start
      -- What a handler answers when it was cancelled comes too late for its caller, and is counted.
      local noticed = 0
      while ffi.stats(rt).late == late and noticed < 100 do
        noticed = noticed + 1
        ngx.sleep(0.02)
      end
      return ok, answer, meanwhile, done, code == ffi.TIMEOUT, took < 2 or took, noticed < 100`);
    expect(all).toBe("true|7|true|false|true|true|true");
  });

  test("errors: divide answers, and fails with the code and the message of its error", async () => {
    expect(await run(`return rt:divide("7 2")`)).toBe("true|3");
    expect(await run(`return rt:divide("1 0")`)).toBe("false|22|division by zero");
  });

  test("the log and the configuration: hello greets as it is told to, and leaves a line", async () => {
    expect(await run(`return rt:hello("Ada")`)).toBe("true|Servus Ada");
    expect(await run(`return plain:hello("Bob")`)).toBe("true|Hello Bob");
    const lines = () => nginx.log().filter(({ text }) => /\[resty-ffi\] .*: hello (Ada|Bob)$/.test(text));
    await expect.poll(() => lines().map(({ level }) => level)).toEqual(["info", "info"]);
  });

  test("the shared dict: visits counts where nginx sees it", async () => {
    expect(
      await run(`return select(2, rt:visits("Ada")), select(2, rt:visits("Ada")), select(2, rt:visits("Bob"))`),
    ).toBe("1|2|1");
    expect(await run(`return ngx.shared.cache:get("visits:Ada")`)).toBe("2");
  });

  test("the shared dict: one that is not allowed is refused with what to do", async () => {
    const refused = await run(`return plain:visits("Ada")`);
    expect(refused).toMatch(/^false\|-?\d+\|/);
    expect(refused).toContain('may not use the shared dict "cache": name it in the option dicts of ngx.load_ffi');
    expect(await run(`return ngx.shared.cache:get("visits:Ada")`)).toBe("2");
  });

  test("nothing is left, and nginx has nothing to complain about", async () => {
    const left = () => run("return ffi.stats(rt).in_flight, ffi.stats(plain).in_flight");
    expect(await left()).toBe("0|0");
    expect(nginx.alarms()).toEqual([]);
  });
});
