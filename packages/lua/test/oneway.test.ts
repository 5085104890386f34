import { type Nginx, lua as quoted, startNginx } from "@resty-ffi/nginx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LIB, METHODS } from "./support/places.ts";

const UNTIL = { timeout: 20_000 };

/** A one-way call in a phase. What it returned lands in the dict, as does what the runtime was sent. */
const send = (phase: string) => `
  local ffi = require "resty.ffi"
  local rt = package.loaded["the runtime"]
  local ok, code, err = ffi.send(rt, "dict", "incr ${phase} 1")
  ngx.shared.results:set("${phase}", tostring(ok) .. " " .. tostring(code) .. " " .. tostring(err))`;

const PHASES = ["set", "rewrite", "access", "content", "header_filter", "body_filter", "log"];

let nginx: Nginx;
beforeAll(async () => {
  nginx = await startNginx({
    name: "oneway",
    env: { LD_LIBRARY_PATH: "" },
    http: ({ port }) => `
lua_package_path "${LIB}/?.lua;;";
lua_shared_dict served 1m;
lua_shared_dict results 1m;
init_worker_by_lua_block {
  package.loaded["the runtime"] = assert(require("resty.ffi").load(${quoted(METHODS)}, nil, { dicts = { "served" }, timeout = 8 }))
  ${send("init_worker")}
  assert(ngx.timer.at(0, function() ${send("timer")} end))
}
server {
  listen 127.0.0.1:${port};
  location = / { return 204; }
  location = /phases {
    set_by_lua_block $unused { ${send("set")} }
    rewrite_by_lua_block { ${send("rewrite")} }
    access_by_lua_block { ${send("access")} }
    content_by_lua_block { ${send("content")} ngx.print("ok") }
    header_filter_by_lua_block { ${send("header_filter")} }
    body_filter_by_lua_block { if ngx.arg[2] then ${send("body_filter")} end }
    log_by_lua_block { ${send("log")} }
  }
  location = /lua {
    content_by_lua_block {
      ngx.req.read_body()
      local chunk = assert(loadstring("local ffi, rt = require 'resty.ffi', package.loaded['the runtime'] " .. ngx.req.get_body_data()))
      local texts = {}
      for k, value in ipairs({ chunk() }) do texts[k] = tostring(value) end
      ngx.print(table.concat(texts, "|"))
    }
  }
}`,
  });
});
afterAll(() => nginx.stop());

/** Runs a chunk that knows `ffi` and `rt`; its results as text, joined by `|`. */
async function run(chunk: string): Promise<string> {
  const reply = await fetch(`http://127.0.0.1:${nginx.port}/lua`, { method: "POST", body: chunk });
  const text = await reply.text();
  if (reply.status !== 200) throw new Error(`${text}\n${chunk}`);
  return text;
}

const served = (key: string) => run(`return ngx.shared.served:get("${key}")`);
const result = (key: string) => run(`return ngx.shared.results:get("${key}")`);

describe("each phase", () => {
  beforeAll(async () => {
    expect(await (await fetch(`http://127.0.0.1:${nginx.port}/phases`)).text()).toBe("ok");
  });

  it.each([...PHASES, "init_worker", "timer"])("%s: it is sent, and served", async (phase) => {
    await expect.poll(() => result(phase), UNTIL).toBe("true nil nil");
    await expect.poll(() => served(phase), UNTIL).toBe("1");
  });
});

it("a failure is in the error log with runtime, method, code and reason, and in the metrics", async () => {
  expect(await run('return ffi.send(rt, "fail", "42 went wrong")')).toBe("true");
  await expect
    .poll(() => nginx.log(), UNTIL)
    .toContain('[resty-ffi] libffi_c_methods.so: the one-way call of "fail" failed (code 42): went wrong');
  expect(await run("local m = ffi.stats(rt).methods.fail return m.calls, m.errors.FAILED, m.in_flight")).toBe("1|1|0");
  expect(await run('return require("resty.ffi.metrics").text()')).toContain(
    'resty_ffi_errors_total{runtime="libffi_c_methods.so",method="fail",kind="FAILED"} 1',
  );
});

it("one that is not answered within its time is cancelled", async () => {
  expect(await run('return ffi.send(rt, "never", nil, { timeout = 0.1 })')).toBe("true");
  await expect
    .poll(() => nginx.log(), UNTIL)
    .toContain('"never" failed (code -1): timeout: runtime "libffi_c_methods.so" did not answer in time');
  expect(await run("return ffi.stats(rt).methods.never.errors.TIMEOUT, select(2, rt:cancelled())")).toBe("1|1");
});

it("has the runtime's timeout by itself", async () => {
  expect(await run('return ffi.send(rt, "never")')).toBe("true");
  await expect.poll(() => run("return ffi.stats(rt).methods.never.errors.TIMEOUT"), UNTIL).toBe("2");
});

it("max_queue bounds those that are not answered; other calls go on", async () => {
  expect(
    await run(`
      local small = assert(ngx.load_ffi(${quoted(METHODS)}, "small", { max_queue = 8 }))
      for _ = 1, 8 do
        assert(ffi.send(small, "never", nil, { timeout = 60 }))
        while ffi.stats(small).queued > 0 do ngx.sleep(0.001) end
      end
      local ok, code, err = ffi.send(small, "echo", "x")
      return ok, code == ffi.QUEUE_FULL, err, select(2, small:echo("still"))`),
  ).toMatch(/^false\|true\|queue full: runtime "libffi_c_methods\.so" has 8 calls waiting \(max_queue\).*\|still$/);
});

it.each([
  ['ffi.send(rt, "")', "a method name has 1 to 127 bytes"],
  ["ffi.send(rt, 7)", "a method name has 1 to 127 bytes"],
  ['ffi.send(rt, "echo", {})', "the request must be a string or nil, not a table"],
  ['ffi.send(rt, "echo", "x", { timeout = 0 })', 'the option "timeout" must be a number of seconds above 0'],
  ['ffi.send(rt, "echo", "x", { time = 1 })', 'there is no option "time"'],
  ['ffi.send({}, "echo")', "not a runtime: expected what ngx.load_ffi returned, got a table"],
])("%s is refused", async (expression, message) => {
  expect(await run(`return ${expression}`)).toMatch(/^false\|-10\|/);
  expect(await run(`return select(3, ${expression})`)).toContain(message);
});

it("after unload it is refused, and those before are answered", async () => {
  expect(
    await run(`
      local other = assert(ngx.load_ffi(${quoted(METHODS)}, "other", { dicts = { "served" } }))
      local before = ffi.send(other, "dict", "set before 1")
      ffi.unload(other)
      local ok, code, err = ffi.send(other, "echo", "x")
      return before, ok, code == ffi.UNLOADED, err`),
  ).toMatch(/^true\|false\|true\|unloaded: runtime/);
  await expect.poll(() => served("before"), UNTIL).toBe("1");
});

it("costs no memory that stays: 100,000 of them", async () => {
  const grown = await run(`
    local function resident()
      for line in io.lines("/proc/self/status") do
        local kb = line:match("^VmRSS:%s+(%d+)")
        if kb then return tonumber(kb) end
      end
    end
    local function many()
      local sent = 0
      for _ = 1, 1000 do
        for _ = 1, 50 do if ffi.send(rt, "echo", ("x"):rep(1000)) then sent = sent + 1 end end
        while ffi.stats(rt).in_flight > 0 do ngx.sleep(0.001) end
      end
      collectgarbage() collectgarbage()
      return sent
    end
    many()
    local before = resident()
    return many() + 0, resident() - before < 2000`);
  expect(grown).toBe("50000|true");
});
