import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Lua, startLua } from "./support/lua.ts";
import { ECHO, METHODS, ROOT } from "./support/places.ts";

let lua: Lua;
beforeAll(async () => {
  lua = await startLua();
});
afterAll(() => lua.stop());

/** Runs a chunk that knows `ffi`, `echo` and `load`, which loads the runtime with methods. */
function run(chunk: string): Promise<string> {
  return lua.run(`
    local ffi = require "resty.ffi"
    local echo = assert(ngx.load_ffi(${JSON.stringify(ECHO)}))
    local function load(cfg, opts) return assert(ngx.load_ffi(${JSON.stringify(METHODS)}, cfg, opts)) end
    ${chunk}`);
}

const NO_RUNTIME = [
  ["nil", "nil"],
  ["false", "boolean"],
  ["7", "number"],
  ['"libffi_c_echo2.so"', "string"],
  ["{}", "table"],
  ["setmetatable({}, { __index = echo })", "table"],
  ["ffi", "table"],
  ["print", "function"],
  ["coroutine.create(function() end)", "thread"],
  ["ngx.null", "userdata"],
] as const;

describe.each(["ffi.unload", "ffi.stats", "echo.__unload"])("%s", (name) => {
  it.each(NO_RUNTIME)("of %s is refused", async (value, type) => {
    expect(await run(`return ${name}(${value})`)).toBe(
      `nil|not a runtime: expected what ngx.load_ffi returned, got a ${type}`,
    );
  });
});

describe("a runtime", () => {
  it("has a metatable that cannot be read or replaced", async () => {
    expect(await run("return getmetatable(echo)")).toBe("resty.ffi runtime");
    expect(await run("return pcall(setmetatable, echo, {})")).toMatch(/^false\|.*cannot change a protected metatable/);
    expect(await run('return echo:echo("still")')).toBe("true|still");
  });

  it("shows nothing of its inside: only its methods, once they have been used, and __unload", async () => {
    expect(
      await run(`
        local rt, keys = load("keys"), {}
        rt:echo("x")
        for key, value in pairs(rt) do keys[#keys + 1] = key .. " " .. type(value) end
        table.sort(keys)
        return table.concat(keys, ", ")`),
    ).toBe("__unload function, echo function");
  });

  it("can be called itself, as those of lua-resty-ffi: that is its method call", async () => {
    expect(await run(`return echo("itself"), select(2, echo("itself")), select(2, echo:call("itself"))`)).toBe(
      "true|itself|itself",
    );
    expect(await run(`return select(2, echo("x", { timeout = -1 }))`)).toMatch(/^-10\|bad argument/);
  });

  it("makes a method once", async () => {
    expect(
      await run(`
        local rt = load("cache")
        local before = rawget(rt, "lang")
        local method = rt.lang
        return before, rawequal(method, rt.lang), rawequal(method, rawget(rt, "lang")), method ~= rt.echo`),
    ).toBe("nil|true|true|true");
  });

  it("has methods of its own: two runtimes do not share them", async () => {
    expect(
      await run(`
        local a, b = load("config a"), load("config b")
        return a.config ~= b.config, select(2, a:config()), select(2, b:config()), select(2, a.config(b))`),
    ).toBe("true|config a|config b|config a");
  });

  it("is the same for the same key, though no variable held it", async () => {
    expect(
      await run(`
        local mark = load("held").echo
        collectgarbage() collectgarbage()
        local again = load("held", { timeout = 5 })
        return rawequal(rawget(again, "echo"), mark), rawequal(again, load("held"))`),
    ).toBe("true|true");
  });

  it.each([
    ['load("one")', 'load("two")'],
    ["load(nil)", 'load("")'],
    ['load("a")', 'load("a\\0b")'],
    ['load("x")', `assert(ngx.load_ffi(${JSON.stringify(ECHO)}, "x"))`],
  ])("%s and %s are two", async (one, other) => {
    expect(await run(`return rawequal(${one}, ${other})`)).toBe("false");
  });

  it("is a new one for the same key after unload", async () => {
    expect(
      await run(`
        local old = load("old")
        local kept = old.echo
        local first, second = ffi.unload(old), ffi.unload(old)
        local new = load("old")
        local gone, code = kept(old, "x")
        return first, second, rawequal(old, new), gone, code == ffi.UNLOADED, select(2, new:echo("new"))`),
    ).toBe("true|true|false|false|true|new");
  });

  it("is garbage once it is unloaded and no variable holds it, and not before", async () => {
    expect(
      await run(`
        local weak = setmetatable({ load("garbage") }, { __mode = "v" })
        collectgarbage() collectgarbage()
        local before = weak[1] ~= nil
        ffi.unload(weak[1])
        collectgarbage() collectgarbage()
        return before, weak[1]`),
    ).toBe("true|nil");
  });

  it("keeps its successor when it is unloaded once more", async () => {
    expect(
      await run(`
        local old = load("twice")
        old:__unload()
        local new = load("twice")
        old:__unload()
        old = nil
        collectgarbage() collectgarbage()
        return rawequal(new, load("twice")), select(2, new:echo("here"))`),
    ).toBe("true|here");
  });

  it("has a library name without a NUL", async () => {
    expect(await run(`return ngx.load_ffi(${JSON.stringify(ECHO)} .. "\\0.bak")`)).toMatch(
      /^nil\|cannot load ".*": the library's name must have no NUL$/,
    );
    expect(await run('return ngx.load_ffi("")')).toMatch(/^nil\|cannot load a runtime without a library name$/);
  });
});

describe("the name of a method", () => {
  const REFUSED =
    'false|-10|bad argument for runtime "libffi_c_echo2.so": a method name has 1 to 127 bytes and no NUL, and a ' +
    "runtime at most 4096 different ones";

  it.each(['""', '("x"):rep(128)', '"a\\0b"', '"\\0"', "1", "1.5", "true", "{}", "print"])(
    "%s is refused when it is called",
    async (name) => {
      expect(await run(`local name = ${name} return echo[name](echo, "x")`)).toBe(REFUSED);
      expect(await run(`local name = ${name} echo[name](echo, "x") return rawget(echo, name)`)).toBe("nil");
    },
  );

  it.each(['"x"', '("x"):rep(127)', '"grüße"', '"a\\nb"', '"__gc"', '"\\255"'])("%s is fine", async (name) => {
    expect(await run(`local name = ${name} return echo[name](echo, "served")`)).toBe("true|served");
  });

  it("is one of 4096: one more is refused, those before it go on", async () => {
    expect(
      await run(`
        local rt = assert(ngx.load_ffi(${JSON.stringify(ECHO)}, "many"))
        for k = 1, 4096 do local _ = rt["method " .. k] end
        local first = { rt["method 1"](rt, "first") }
        local last = { rt["method 4096"](rt, "last") }
        local more = { rt["method 4097"](rt, "more") }
        return first[2], last[2], more[1], more[2] == ffi.BAD_ARGUMENT, more[3]`),
    ).toBe(`first|last|false|true|${REFUSED.split("|")[2]}`);
  });
});

describe("a request", () => {
  it.each([
    ["true", "boolean"],
    ["false", "boolean"],
    ["{}", "table"],
    ['setmetatable({}, { __tostring = function() return "x" end })', "table"],
    ["print", "function"],
    ["ngx.null", "userdata"],
    ["7ULL", "cdata"],
  ])("that is %s is refused, and not sent", async (value, type) => {
    expect(
      await run(`
        local rt = load("requests")
        local before = ffi.stats(rt).calls
        local ok, code, message = rt:echo(${value})
        return ffi.stats(rt).calls - before, ok, code, message`),
    ).toBe(
      `0|false|-10|bad argument for runtime "libffi_c_methods.so": the request must be a string or nil, not a ${type}`,
    );
  });

  it.each(["0", "-1", "1.5", "2^53", "1e100", "1/0", "0/0", "0x10"])("%s is sent as its text", async (number) => {
    expect(
      await run(`local ok, answer = echo:echo(${number}) return ok, type(answer), answer == tostring(${number})`),
    ).toBe("true|string|true");
  });

  it("nil and an empty string are two", async () => {
    expect(
      await run(`
        local rt = load("requests")
        return select(2, rt:nilreq()), select(2, rt:nilreq(nil)), select(2, rt:nilreq("")), select(2, rt:nilreq("x"))`),
    ).toBe("nil|nil|empty|bytes");
  });

  it("whose options are wrong is not sent either", async () => {
    expect(
      await run(`
        local rt = load("requests")
        local before = ffi.stats(rt).calls
        local ok, code, message = rt:echo("x", { timeout = 0 })
        return ffi.stats(rt).calls - before, ok, code, message`),
    ).toMatch(/^0\|false\|-10\|bad argument for runtime "libffi_c_methods\.so": the option "timeout" must be /);
  });
});

describe("stats", () => {
  it("has the fields that docs/lua-api.md lists", async () => {
    const [, list = ""] =
      /stats\(rt\)` → `\{ ([^}]*) \}`/.exec(readFileSync(join(ROOT, "docs/lua-api.md"), "utf8")) ?? [];
    const keys = await run(`
      local keys = {}
      for key in pairs(ffi.stats(echo)) do keys[#keys + 1] = key end
      return table.concat(keys, " ")`);
    expect(keys.split(" ").sort()).toEqual(list.split(", ").sort());
  });

  it("counts each end of a call in its own field", async () => {
    expect(
      await run(`
        local rt = load("counted")
        for _ = 1, 3 do assert(rt:echo("x")) end
        for _ = 1, 2 do rt:fail("7 seven") end
        rt:never(nil, { timeout = 0.01 })
        local sleeping = ngx.thread.spawn(function() return rt:sleep("200") end)
        local during = ffi.stats(rt).in_flight
        ngx.thread.wait(sleeping)
        local s = ffi.stats(rt)
        return during, s.in_flight, s.calls, s.answered, s.failed, s.timed_out, s.cancelled, s.queue_full, s.restarts`),
    ).toBe("1|0|7|4|2|1|0|0|0");
  });

  it("tells what the runtime is, and whether it is up", async () => {
    const chunk = (options: string) => `
      local rt = load("described", ${options})
      local a = ffi.stats(rt)
      ffi.unload(rt)
      return a.name, a.transport, a.workers, a.up, ffi.stats(rt).up`;
    expect(await run(chunk("nil"))).toBe("libffi_c_methods.so|thread|1|true|false");
    expect(await run(chunk("{ isolate = true, workers = 2 }"))).toBe("libffi_c_methods.so|process|2|true|false");
  });
});
