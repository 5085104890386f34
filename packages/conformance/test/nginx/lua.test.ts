import { lua } from "@resty-ffi/nginx";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Nginx } from "../../src/nginx/nginx.js";
import { ECHO2, runtimeOf } from "../../src/places.js";

describe("the Lua API", () => {
  const go = runtimeOf("go");
  let nginx: Nginx;
  beforeAll(async () => {
    nginx = await Nginx.start({ env: go.env });
    await nginx.lua(`assert(fixture.load("go", ${lua(go.lib)}, ${lua(go.cfg)}, { dicts = { "shared", "other" } }))`);
    await nginx.lua(`assert(fixture.load("c", ${lua(ECHO2)}))`);
  });
  afterAll(() => nginx.stop());

  const value = (code: string) => nginx.lua(`local rt, c = fixture.runtimes.go, fixture.runtimes.c\n${code}`);
  const error = (options: string) =>
    nginx.lua(`local rt, err = ngx.load_ffi(${lua(ECHO2)}, "options", ${options}) return tostring(rt) .. "|" .. err`);

  test.each([
    ["{ max_quue = 1 }", /no option "max_quue".*max_queue/],
    ["{ max_queue = 0 }", /max_queue/],
    ["{ max_queue = 1.5 }", /max_queue/],
    ["{ max_queue = 2^40 }", /max_queue/],
    ['{ max_queue = "many" }', /max_queue.*string/],
    ["{ isolate = 1 }", /isolate.*boolean/],
    ["{ workers = 0 }", /workers/],
    ["{ workers = 1000, isolate = true }", /workers is 1000/],
    ["{ timeout = -1 }", /timeout.*seconds/],
    ["{ timeout = 0/0 }", /timeout/],
    ["{ timeout = {} }", /timeout/],
    ["{ load_timeout = false }", /load_timeout/],
    ['{ dicts = { "none such" } }', /lua_shared_dict "none such"/],
    ["7", /must be a table/],
  ])("options %s are refused", async (options, message) => {
    const found = await error(options);
    expect(found).toMatch(/^nil\|cannot load /);
    expect(found).toMatch(message);
  });

  test("a library or configuration of the wrong type is refused", async () => {
    const text = (args: string) => nginx.lua(`local rt, err = ngx.load_ffi(${args}) return tostring(rt) .. "|" .. err`);
    expect(await text("nil")).toMatch(/^nil\|.*must be a name or a path, not a nil/);
    expect(await text("{}")).toMatch(/not a table/);
    expect(await text(`${lua(ECHO2)}, 7`)).toMatch(/configuration must be a string or nil, not a number/);
  });

  test.each([
    ['"x", { timeout = -1 }', /timeout/],
    ['"x", { tiemout = 1 }', /no option "tiemout"/],
    ['"x", 5', /must be a table/],
    ["{}", /must be a string or nil, not a table/],
    ["true", /not a boolean/],
  ])("a call with %s is refused", async (args, message) => {
    const found = await value(`local ok, rc, err = c:echo(${args}) return tostring(ok) .. "|" .. rc .. "|" .. err`);
    expect(found).toMatch(/^false\|-10\|bad argument for runtime "libffi_c_echo2\.so"/);
    expect(found).toMatch(message);
  });

  test("a number is sent as its text, a method may have any name", async () => {
    expect(await value(`local ok, res = c:echo(42) return res`)).toBe("42");
    expect(await value(`local ok, res = c["key"](c, "k") return res`)).toBe("k");
    expect(await value(`local ok, res = c["a method, with blanks"](c, "k") return res`)).toBe("k");
    expect(await value(`local ok, rc, err = c[("x"):rep(300)](c, "k") return rc .. "|" .. err`)).toMatch(/^-10\|/);
  });

  test("codes have names", async () => {
    expect(
      await value(`local f = require "resty.ffi"
        return table.concat({ f.TIMEOUT, f.CANCELLED, f.QUEUE_FULL, f.TOO_LARGE, f.NO_METHOD, f.THREW, f.EXITED,
                              f.UNLOADED, f.BAD_PHASE, f.BAD_ARGUMENT }, " ")`),
    ).toBe("-1 -2 -3 -4 -5 -6 -7 -8 -9 -10");
  });

  test('require "resty_ffi" is the same, and defines ngx.load_ffi', async () => {
    expect(await value(`return tostring(require "resty_ffi" == require "resty.ffi" and ngx.load_ffi ~= nil)`)).toBe(
      "true",
    );
  });

  test("loading the same key gives the same table", async () => {
    expect(await value(`return tostring(ngx.load_ffi(${lua(go.lib)}, ${lua(go.cfg)}) == rt)`)).toBe("true");
  });

  test("the dict is nginx's own, with its types", async () => {
    expect(
      await value(`
        local shared = ngx.shared.shared
        shared:set("from lua", 41)
        local ok, incr = rt:dict("incr from_go 1")
        shared:incr("from_go", 10)
        local ok, got = rt:dict("get from_go")
        local ok2, set = rt:dict("set text some text")
        shared:set("flag", true)
        local ok3, flag = rt:dict("get flag")
        return table.concat({ incr, got, type(shared:get("from_go")), shared:get("text"), flag }, "|")`),
    ).toBe("1|11|number|some text|true");
  });

  test("a runtime without a dict says which option to use", async () => {
    expect(
      await value(`
        local other = assert(ngx.load_ffi(${lua(go.lib)}, "no dict"))
        local ok, rc, err = other:dict("get x")
        require("resty.ffi").unload(other)
        return tostring(ok) .. "|" .. err`),
    ).toMatch(/^false\|runtime "libffi_go_conformance\.so" may not use a shared dict: name it in the option dicts/);
  });

  const cancelled = async () => Number(await value(`local _, n = rt:cancelled() return n`));

  test("ngx.thread.kill: the handler sees its cancellation, and the next calls get their own answers", async () => {
    const before = await cancelled();
    await value(`
      local threads = {}
      for k = 1, 100 do threads[k] = ngx.thread.spawn(function() rt:never(nil, { timeout = 60 }) end) end
      ngx.sleep(0.05)
      for k = 1, 100 do assert(ngx.thread.kill(threads[k])) end`);
    await expect.poll(cancelled).toBe(before + 100);
    expect(await value(`local counts = fixture.storm("go", 1000, 64, 5000) return counts`)).toBe("ok=1000");
    expect(await value(`return require("resty.ffi").stats(rt).in_flight`)).toBe("0");
  });

  test("a call is killed at the moment of its answer, many times over", async () => {
    expect(
      await value(`
        local wrong = 0
        for k = 1, 300 do
          local t = ngx.thread.spawn(function() return rt:sleep("1") end)
          ngx.sleep(0.001)
          ngx.thread.kill(t)
          local ok, res = rt:echo("own " .. k)
          if res ~= "own " .. k then wrong = wrong + 1 end
        end
        collectgarbage()
        return wrong`),
    ).toBe("0");
    await expect.poll(() => value(`return require("resty.ffi").stats(rt).in_flight`)).toBe("0");
  });

  test("a request that exits with a call in flight in a thread of its own", async () => {
    const before = await cancelled();
    await value(`ngx.thread.spawn(function() rt:never(nil, { timeout = 60 }) end) ngx.sleep(0.02) ngx.exit(200)`);
    await expect.poll(cancelled).toBe(before + 1);
  });

  test("a timeout is on time by the worker's own clock", async () => {
    const late = Number(await value(`return fixture.lateness("go", 0.1)`));
    expect(late).toBeGreaterThan(-6); // the clock that old nginx times by has a tick of 4 ms
    expect(late).toBeLessThan(20);
  });

  test("__unload of the original", async () => {
    expect(
      await value(`
        local old = assert(ngx.load_ffi(${lua(ECHO2)}, "old"))
        old:__unload()
        local ok, rc, err = old:echo("x")
        return tostring(ok) .. "|" .. rc .. "|" .. err`),
    ).toMatch(/^false\|-8\|unloaded: /);
  });

  test("unload refuses a table that is not a runtime", async () => {
    expect(await value(`local ok, err = require("resty.ffi").unload({}) return tostring(ok) .. "|" .. err`)).toMatch(
      /^nil\|not a runtime/,
    );
  });

  test("the worker's log is clean after all that", async () => {
    expect(nginx.alarms()).toEqual([]);
    expect(nginx.log().filter(({ text }) => text.includes("lua") && text.includes("aborted"))).toEqual([]);
  });
});
