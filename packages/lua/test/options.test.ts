import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Lua, startLua } from "./support/lua.ts";
import { ECHO, METHODS, ROOT } from "./support/places.ts";

const NAMES =
  "dicts, drain_timeout, env, is_global, isolate, java_home, limits, load_timeout, max_queue, node, restart, timeout, " +
  "unpin, user, venv, watch, workers";

let lua: Lua;
beforeAll(async () => {
  lua = await startLua({ http: "lua_shared_dict shared 1m;" });
});
afterAll(() => lua.stop());

/** Fields of the C struct that these options make, or nil and the message. */
function load(options: string, fields: string): Promise<string> {
  return lua.run(`
    require "resty.ffi.native"
    local c, checked = require("resty.ffi.options").load(${options})
    if not c then return c, checked end
    return ${fields}`);
}

const refusal = (options: string) => load(options, '"accepted"');

function timeout(options: string): Promise<string> {
  return lua.run(`return require("resty.ffi.options").timeout(${options}, 7)`);
}

describe("what an option does", () => {
  it.each(["nil", "{}"])("%s gives nothing: the core knows the defaults", async (options) => {
    const fields = "c.max_queue, c.workers, c.load_timeout_ms, c.isolate, c.global, c.unpin, c.restart";
    expect(await load(options, fields)).toBe("0|0|0|0|0|0|0");
    expect(await load(options, "c.drain_ms, c.timeout_ms, c.watch, c.files, c.cpus, tonumber(c.memory)")).toBe(
      "0|0|0|0|0|0",
    );
    expect(await load(options, "c.dicts == nil, c.user == nil, c.env == nil, c.settings == nil")).toBe(
      "true|true|true|true",
    );
    expect(await load(options, "checked.dicts")).toBe("nil");
    expect(await load(options, `c.size == require("ffi").sizeof(c)`)).toBe("true");
  });

  it.each([
    ["max_queue = 1", "c.max_queue", "1"],
    ["max_queue = 2147483647", "c.max_queue", "2147483647"],
    ["workers = 8", "c.workers", "8"],
    ["load_timeout = 1.5", "c.load_timeout_ms", "1500"],
    ["load_timeout = 2000000", "c.load_timeout_ms", "2000000000"],
    ["load_timeout = 1.001", "c.load_timeout_ms", "1001"],
    ["load_timeout = 0.0001", "c.load_timeout_ms", "1"], // 0 would mean the default
    ["isolate = true", "c.isolate, c.global, c.unpin, c.restart", "1|0|0|0"],
    ["is_global = true", "c.isolate, c.global, c.unpin, c.restart", "0|1|0|0"],
    ["unpin = true", "c.isolate, c.global, c.unpin, c.restart", "0|0|1|0"],
    ["restart = false", "c.isolate, c.global, c.unpin, c.restart", "0|0|0|2"],
    ["isolate = true, is_global = true, unpin = true", "c.isolate, c.global, c.unpin, c.restart", "1|1|1|0"],
    ["isolate = false, restart = true", "c.isolate, c.restart", "2|1"],
    ["timeout = 0.25", "c.timeout_ms", "250"],
    ["timeout = 0.0001", "c.timeout_ms", "1"],
    ["timeout = 2000000", "c.timeout_ms", "2000000000"],
    ["drain_timeout = 0.25", "c.drain_ms", "250"],
    ["watch = true", "c.watch", "1"],
    ["limits = {}", "c.files, c.cpus, tonumber(c.memory)", "0|0|0"],
    ["limits = { files = 64, cpus = 2, memory = 1000 }", "c.files, c.cpus, tonumber(c.memory)", "64|2|1000"],
    ['limits = { memory = "2k" }', "tonumber(c.memory)", "2048"],
    ['limits = { memory = "64M" }', "tonumber(c.memory)", String(64 * 2 ** 20)],
    ['limits = { memory = "3g" }', "tonumber(c.memory)", String(3 * 2 ** 30)],
    ['dicts = { "a", "b" }', 'require("ffi").string(c.dicts, 5)', "a\0b\0\0"],
    ["dicts = {}", "c.dicts == nil, c.dicts[0]", "false|0"],
    ["env = {}", "c.env == nil, c.env[0]", "false|0"],
    ['env = { "PATH", "A=b" }', 'require("ffi").string(c.env, 10)', "PATH\0A=b\0\0"],
    ['user = "nobody"', 'require("ffi").string(c.user)', "nobody"],
    ['venv = "/v", node = "/n"', 'require("ffi").string(c.settings, 17)', "venv\0/v\0node\0/n\0\0"],
    ['java_home = "/j"', 'require("ffi").string(c.settings, 14)', "java_home\0/j\0\0"],
  ])("%s", async (option, field, value) => {
    expect(await load(`{ ${option} }`, field)).toBe(value);
  });
});

/** Lua values, and how a message shows them. */
const SHOWN: Record<string, string> = {
  "0": "number 0",
  "1": "number 1",
  "-1": "number -1",
  "1.5": "number 1.5",
  "0/0": "number nan",
  "1/0": "number inf",
  "-1/0": "number -inf",
  "2^31": "number 2147483648",
  "2^53": "number 9.007199254741e+15",
  "2000001": "number 2000001",
  '""': 'string ""',
  '"1"': 'string "1"',
  '"true"': 'string "true"',
  true: "boolean true",
  "{}": "a table",
  "setmetatable({}, { __tostring = error })": "a table",
  print: "a function",
  "7ULL": "a cdata",
};

const COUNT = "a whole number from 1 to 2147483647";
const SECONDS = "a number of seconds above 0 and up to 2000000";
const NO_COUNT = ["0", "-1", "1.5", "0/0", "1/0", "-1/0", "2^31", "2^53", '"1"', "true", "{}", "print", "7ULL"];
const NO_SECONDS = ["0", "-1", "0/0", "1/0", "-1/0", "2000001", '"1"', "true", "{}", "print", "7ULL"];
const NO_BOOLEAN = ["0", "1", '"true"', "{}", "print", "setmetatable({}, { __tostring = error })"];
const NO_NAME = ['""', "1", "true", "{}", "print"];
const NAME = "a string that is not empty and has no NUL";
const NO_NAMES = ['""', "1", "true", "print"];

describe.each([
  ["max_queue", COUNT, NO_COUNT],
  ["workers", COUNT, NO_COUNT],
  ["timeout", SECONDS, NO_SECONDS],
  ["load_timeout", SECONDS, NO_SECONDS],
  ["is_global", "a boolean", NO_BOOLEAN],
  ["isolate", "a boolean", NO_BOOLEAN],
  ["unpin", "a boolean", NO_BOOLEAN],
  ["restart", "a boolean", NO_BOOLEAN],
  ["drain_timeout", SECONDS, NO_SECONDS],
  ["watch", "a boolean", NO_BOOLEAN],
  ["user", NAME, NO_NAME],
  ["venv", NAME, NO_NAME],
  ["java_home", NAME, NO_NAME],
  ["node", NAME, NO_NAME],
  ["dicts", "a list of names", NO_NAMES],
  ["env", 'a list of "NAME" and "NAME=value"', NO_NAMES],
])("%s must be %s", (option, wanted, values) => {
  it.each(values)("%s is refused", async (value) => {
    expect(await refusal(`{ ${option} = ${value} }`)).toBe(
      `nil|the option "${option}" must be ${wanted}, not ${SHOWN[value]}`,
    );
  });
});

describe("lists and limits", () => {
  it.each(['{ "" }', "{ 1 }", '{ a = "b" }', '{ "a", nil, "b" }', '{ "a\\0" }'])(
    "dicts = %s is refused",
    async (value) => {
      expect(await refusal(`{ dicts = ${value} }`)).toBe('nil|the option "dicts" must be a list of names, not a table');
    },
  );

  it.each(['{ "" }', '{ "=x" }', '{ PATH = "x" }'])("env = %s is refused", async (value) => {
    expect(await refusal(`{ env = ${value} }`)).toBe(
      'nil|the option "env" must be a list of "NAME" and "NAME=value", not a table',
    );
  });

  it.each([
    ["5", "the options must be a table, not a number"],
    ["{ files = 0 }", `the option "files" must be ${COUNT}, not number 0`],
    ["{ disk = 1 }", 'there is no option "disk"; the options are: cpus, files, memory'],
    ['{ memory = "1t" }', 'the option "memory" must be a number of bytes, or a string such as "256m", not string "1t"'],
    ["{ memory = 0 }", 'the option "memory" must be a number of bytes, or a string such as "256m", not number 0'],
  ])("limits = %s is refused", async (value, message) => {
    expect(await refusal(`{ limits = ${value} }`)).toBe(`nil|the option "limits": ${message}`);
  });

  it.each(["limits = { files = 64 }", 'user = "nobody"', 'env = { "PATH" }', "workers = 2"])(
    "%s needs a child process",
    async (option) => {
      expect(
        await lua.run(
          `require "resty.ffi" return ngx.load_ffi(${JSON.stringify(ECHO)}, "no child ${option.slice(0, 4)}", { ${option} })`,
        ),
      ).toMatch(
        /^nil\|cannot load ".*": the options limits, user, env and workers are for child processes: set isolate/,
      );
    },
  );
});

/** Of each option a value that is not its default, and what a second load is told that asks for it. */
const OTHER: Record<string, [value: string, differs: string]> = {
  dicts: ['{ "shared" }', 'dicts = none, not { "shared" }'],
  drain_timeout: ["7", "drain_timeout = 30 s, not 7 s"],
  env: ['{ "PATH", "TOKEN=secret" }', 'env = none, not { "PATH", "TOKEN=..." }'],
  is_global: ["true", "is_global = false, not true"],
  isolate: ["true", "isolate = false, not true"],
  java_home: ['"/j"', 'java_home = none, not "/j"'],
  limits: ["{ files = 64 }", "limits.files = none, not 64"],
  load_timeout: ["0.25", "load_timeout = 30 s, not 0.25 s"],
  max_queue: ["64", "max_queue = 65536, not 64"],
  node: ['"/n"', 'node = none, not "/n"'],
  restart: ["false", "restart = true, not false"],
  timeout: ["0.25", "timeout = 5 s, not 0.25 s"],
  unpin: ["true", "unpin = false, not true"],
  user: ['"nobody"', 'user = none, not "nobody"'],
  venv: ['"/v"', 'venv = none, not "/v"'],
  watch: ["true", "watch = false, not true"],
  workers: ["4", "workers = 1, not 4"],
};

describe("a second load of the same key", () => {
  const second = (name: string, options: string) =>
    lua.run(`require "resty.ffi"
      assert(ngx.load_ffi(${JSON.stringify(ECHO)}, "second"))
      local rt, err = ngx.load_ffi(${JSON.stringify(ECHO)}, "second", { ${name} = ${options} })
      return rt == ngx.load_ffi(${JSON.stringify(ECHO)}, "second"), err`);

  it("has a rule for every option there is", () => {
    expect(Object.keys(OTHER).sort().join(", ")).toBe(NAMES);
  });

  it.each(Object.entries(OTHER))("is refused when %s differs", async (name, [value, differs]) => {
    expect(await second(name, value)).toBe(
      `false|cannot load "${ECHO}": it is loaded already with ${differs} (library and configuration are the same): ` +
        "leave that option out, unload the runtime first, or give it another configuration",
    );
  });

  it.each([
    ["timeout", "5"],
    ["max_queue", "65536"],
    ["workers", "1"],
    ["isolate", "false"],
    ["restart", "true"],
    ["load_timeout", "30"],
    ["dicts", "{}"],
    ["limits", "{}"],
  ])("may say the default: %s = %s", async (name, value) => {
    expect(await second(name, value)).toBe("true|nil");
  });

  it("without options gives the runtime as it is", async () => {
    expect(
      await lua.run(`require "resty.ffi"
        local options = { timeout = 0.25, max_queue = 64, dicts = { "shared" }, restart = false }
        local first = assert(ngx.load_ffi(${JSON.stringify(ECHO)}, "as it is", options))
        return first == ngx.load_ffi(${JSON.stringify(ECHO)}, "as it is", options),
               first == ngx.load_ffi(${JSON.stringify(ECHO)}, "as it is")`),
    ).toBe("true|true");
  });

  it("in a Lua VM of its own is held to the same, and waits as long", async () => {
    const fresh = await startLua({ http: "lua_code_cache off;" });
    const load = (options: string, rest: string) =>
      fresh.run(`require "resty.ffi"
        local rt, err = ngx.load_ffi(${JSON.stringify(METHODS)}, "VMs", ${options})
        if not rt then return err end
        ${rest}`);
    try {
      expect(await load("{ timeout = 0.05 }", 'return "loaded"')).toBe("loaded");
      expect(await load("nil", "return select(3, rt:never())")).toMatch(/did not answer in time \(0\.05 s\)$/);
      expect(await load("{ timeout = 5 }", 'return "loaded"')).toContain(
        "it is loaded already with timeout = 0.05 s, not 5 s",
      );
    } finally {
      await fresh.stop();
    }
  });

  it("may have other options once the first is unloaded", async () => {
    expect(
      await lua.run(`local ffi = require "resty.ffi"
        ffi.unload(assert(ngx.load_ffi(${JSON.stringify(ECHO)}, "unloaded", { isolate = true })))
        local rt = assert(ngx.load_ffi(${JSON.stringify(ECHO)}, "unloaded", { isolate = false, timeout = 9 }))
        return ffi.stats(rt).transport, rt:echo("x")`),
    ).toBe("thread|true|x");
  });
});

describe("unknown options", () => {
  it.each([
    ["{ max_quue = 1 }", '"max_quue"'],
    ["{ Timeout = 1 }", '"Timeout"'],
    ["{ timeout = 1, cfg = 1 }", '"cfg"'],
    ['{ [""] = 1 }', '""'],
    ["{ 5 }", "with the key number 1"],
    ["{ [true] = 5 }", "with the key boolean true"],
    ["{ [1.5] = 5 }", "with the key number 1.5"],
    ["{ [{}] = 5 }", "with the key a table"],
    ["{ [setmetatable({}, { __tostring = error })] = 5 }", "with the key a table"],
  ])("%s: the message lists the known ones", async (options, key) => {
    expect(await refusal(options)).toBe(`nil|there is no option ${key}; the options are: ${NAMES}`);
  });

  it("are all that docs/lua-api.md does not list", () => {
    const [, section = ""] = readFileSync(join(ROOT, "docs/lua-api.md"), "utf8").split(/^## /m);
    const rows = section.match(/^\| `[a-z_]+` \|.*\|.*\|$/gm) ?? [];
    expect(rows.map((row) => row.split("`")[1]).sort()).toEqual(NAMES.split(", "));
  });

  it.each(['"isolate"', "5", "true", "false", "print"])("options that are %s and no table", async (options) => {
    const type = await lua.run(`return type(${options})`);
    expect(await refusal(options)).toBe(`nil|the options must be a table, not a ${type}`);
  });
});

describe("the timeout of a call", () => {
  it("is the call's own, or the runtime's", async () => {
    expect(await timeout("{ timeout = 0.5 }")).toBe("0.5");
    expect(await timeout("{ timeout = 2000000 }")).toBe("2000000");
    expect(await timeout("{}")).toBe("7");
  });

  it.each(NO_SECONDS)("%s is refused", async (value) => {
    expect(await timeout(`{ timeout = ${value} }`)).toBe(
      `nil|the option "timeout" must be ${SECONDS}, not ${SHOWN[value]}`,
    );
  });

  it("is the only option of a call", async () => {
    expect(await timeout("{ load_timeout = 1 }")).toBe(
      'nil|there is no option "load_timeout"; the options are: timeout',
    );
    expect(await timeout("5")).toBe("nil|the options must be a table, not a number");
  });

  it("a handler is told: 5 s by default, or what the load says, or what the call says", async () => {
    const [standard, loaded, called] = (
      await lua.run(`
        local ffi = require "resty.ffi"
        local function left(rt, opts) return select(2, assert(rt:remaining(nil, opts))) end
        local standard = assert(ngx.load_ffi(${JSON.stringify(METHODS)}, "standard"))
        local slow = assert(ngx.load_ffi(${JSON.stringify(METHODS)}, "slow", { timeout = 100 }))
        return left(standard), left(slow), left(slow, { timeout = 50 })`)
    )
      .split("|")
      .map(Number);
    expect(standard).toSatisfy((ms: number) => ms > 1000 && ms <= 5000);
    expect(loaded).toSatisfy((ms: number) => ms > 90_000 && ms <= 100_000);
    expect(called).toSatisfy((ms: number) => ms > 40_000 && ms <= 50_000);
  });
});

describe("ngx.load_ffi", () => {
  it("says what it did not load, and why", async () => {
    expect(await lua.run(`require "resty.ffi" return ngx.load_ffi("x", nil, { isolate = 1 })`)).toBe(
      'nil|cannot load "x": the option "isolate" must be a boolean, not number 1',
    );
  });

  it("never throws, whatever it is given", async () => {
    const odd = "setmetatable({}, { __tostring = error })";
    expect(await lua.run(`require "resty.ffi" return ngx.load_ffi(${odd})`)).toBe(
      "nil|cannot load: the library must be a name or a path, not a table",
    );
    expect(await lua.run(`require "resty.ffi" return ngx.load_ffi("x", ${odd})`)).toBe(
      'nil|cannot load "x": the configuration must be a string or nil, not a table',
    );
    expect(await lua.run(`require "resty.ffi" return ngx.load_ffi("x", "y", { dicts = { ${odd} } })`)).toMatch(
      /^nil\|cannot load "x": the option "dicts" must be /,
    );
  });

  it("loads with every option there is", async () => {
    const options = `{ max_queue = 64, is_global = true, unpin = true, isolate = true, workers = 2, timeout = 20,
                       load_timeout = 25, restart = false, dicts = { "shared" }, drain_timeout = 1, watch = true,
                       limits = { memory = "1g", files = 100, cpus = 1 }, env = { "PATH" }, venv = "/v",
                       java_home = "/j", node = "/n" }`;
    expect(
      await lua.run(`
        local ffi = require "resty.ffi"
        local rt = assert(ngx.load_ffi(${JSON.stringify(ECHO)}, "every option", ${options}))
        local ok, answer = rt:echo("all")
        local stats = ffi.stats(rt)
        ffi.unload(rt)
        return ok, answer, stats.transport, stats.workers`),
    ).toBe("true|all|process|2");
  });
});
