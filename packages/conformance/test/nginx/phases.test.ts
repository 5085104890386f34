import { lua } from "@resty-ffi/nginx";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Nginx } from "../../src/nginx/nginx.js";
import { ECHO2 } from "../../src/places.js";

/** A call in a phase; how it went lands in the shared dict. */
const call = (phase: string) => `
  local rt = require("fixture").runtimes.phase
  local ok, res, err = rt:echo("from ${phase}")
  ngx.shared.shared:set("${phase}", tostring(ok) .. "|" .. tostring(res) .. "|" .. tostring(err))`;

const LOAD = `
  local fixture = require "fixture"
  local rt, err = fixture.load("phase", ${lua(ECHO2)}, "phases", { dicts = { "shared", "other" } })
  ngx.shared.shared:set("init_worker load", tostring(rt ~= nil) .. "|" .. tostring(err))`;

describe("the phases of a request", () => {
  let nginx: Nginx;
  beforeAll(async () => {
    nginx = await Nginx.start({
      http: `init_worker_by_lua_block { ${LOAD} ${call("init_worker")} }`,
      server: `
        location = /rewrite { rewrite_by_lua_block { ${call("rewrite")} } content_by_lua_block { ngx.print("ok") } }
        location = /access { access_by_lua_block { ${call("access")} } content_by_lua_block { ngx.print("ok") } }
        location = /content { content_by_lua_block { ${call("content")} ngx.print("ok") } }
        location = /timer { content_by_lua_block {
          assert(ngx.timer.at(0, function() ${call("timer")} end))
          ngx.print("ok")
        } }
        location = /light-thread { content_by_lua_block {
          ngx.thread.wait(ngx.thread.spawn(function() ${call("light-thread")} end))
          ngx.print("ok")
        } }
        location = /subrequest { content_by_lua_block { ngx.print(ngx.location.capture("/content").body) } }
        location = /set { set_by_lua_block $unused { ${call("set")} } content_by_lua_block { ngx.print("ok") } }
        location = /header_filter { content_by_lua_block { ngx.print("ok") } header_filter_by_lua_block { ${call("header_filter")} } }
        location = /body_filter { content_by_lua_block { ngx.print("ok") } body_filter_by_lua_block { ${call("body_filter")} } }
        location = /log { content_by_lua_block { ngx.print("ok") } log_by_lua_block { ${call("log")} } }`,
    });
  });
  afterAll(() => nginx.stop());

  const result = (key: string) => nginx.lua(`return ngx.shared.shared:get(${lua(key)})`);

  test("a runtime is loaded in init_worker", async () => {
    expect(await result("init_worker load")).toBe("true|nil");
  });

  test.each(["rewrite", "access", "content", "timer", "light-thread"])("a call in %s", async (phase) => {
    expect((await nginx.request("GET", `/${phase}`)).body.toString()).toBe("ok");
    await expect.poll(() => result(phase)).toBe(`true|from ${phase}|nil`);
  });

  test("a call in a subrequest", async () => {
    expect((await nginx.request("GET", "/subrequest")).body.toString()).toBe("ok");
    expect(await result("content")).toBe("true|from content|nil");
  });

  test.each(["set", "header_filter", "body_filter", "log"])("a call in %s: an error that names it", async (phase) => {
    expect((await nginx.request("GET", `/${phase}`)).body.toString()).toBe("ok");
    await expect
      .poll(() => result(phase))
      .toMatch(new RegExp(`^false\\|-9\\|bad phase: runtime "libffi_c_echo2\\.so" cannot be called in ${phase}`));
    expect(await result(phase)).toMatch(/rewrite, access, content.*ngx\.timer/);
  });

  test("a call in init_worker: the same", async () => {
    expect(await result("init_worker")).toMatch(/^false\|-9\|bad phase: .* in init_worker/);
  });

  test("after all that the worker is the same, and its log is clean", async () => {
    const [pid] = nginx.workers;
    for (let i = 0; i < 20; i++) {
      for (const phase of ["rewrite", "header_filter", "log", "timer"]) await nginx.request("GET", `/${phase}`);
    }
    expect(nginx.workers).toEqual([pid]);
    expect(nginx.alarms()).toEqual([]);
    expect(nginx.log().filter(({ level }) => level === "error")).toEqual([]);
  });
});

test("init_by_lua: load_ffi says that it is too early, and the worker can load all the same", async () => {
  const nginx = await Nginx.start({
    http: `
      init_by_lua_block {
        local rt, err = require("resty.ffi").load(${lua(ECHO2)})
        early = tostring(rt) .. "|" .. tostring(err)
      }
      init_worker_by_lua_block { ${LOAD} }`,
  });
  try {
    expect(await nginx.lua("return early")).toMatch(/^nil\|cannot load .*init_worker_by_lua.*init_by_lua/);
    expect(await nginx.lua(`local ok, res = fixture.runtimes.phase:echo("x") return res`)).toBe("x");
    expect(nginx.alarms()).toEqual([]);
  } finally {
    await nginx.stop();
  }
});
