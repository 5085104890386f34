import { setTimeout as sleep } from "node:timers/promises";
import { children } from "@resty-ffi/scripts/processes";
import { type GrpcServer, startGrpcServer } from "@resty-ffi/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROTOS, SOON, startGrpcLua } from "./support/grpc.ts";
import { startHttp2Grpc } from "./support/http2_grpc.ts";
import type { Lua } from "./support/lua.ts";
import { usageOf } from "./support/usage.ts";

let server: GrpcServer;
let lua: Lua;
/** The same library in a child process. */
let isolated: Lua;

const ECHO = "/grpc.examples.echo.Echo/UnaryEcho";
const SLOW = "/helloworld.Greeter/SayHello";
const CHAT = "/grpc.examples.echo.Echo/BidirectionalStreamingEcho";
const http = (options: string) => `
init_by_lua_block {
  local grpc = require "resty.ffi.grpc"
  assert(grpc.setup({ ${options} }))
  assert(grpc.loadfile("${PROTOS}/echo.proto"))
}`;

beforeAll(async () => {
  [server, lua, isolated] = await Promise.all([
    startGrpcServer(),
    startGrpcLua({ http: http("timeout = 5") }),
    startGrpcLua({ http: http("timeout = 5, isolate = true, env = {}") }),
  ]);
});
afterAll(async () => {
  await Promise.all([lua?.stop(), isolated?.stop()]);
  await server?.stop();
});

const connections = async () => (await server.stats()).connections;
/** Asks until the server answers, which `how` says. */
const call = (where: Lua, options = "") =>
  where.run(`return show(connect("${server.address}"${options}):unary("${ECHO}", { message = "m" }, { timeout = 2 }))`);
const OK = 'true {message="m"} nil';

describe.each([
  ["thread", () => lua],
  ["process", () => isolated],
] as const)("over the transport %s", (_, where) => {
  it("a server that is killed and comes back is used again", async () => {
    expect(await call(where())).toBe(OK);
    await server.kill();
    expect(await call(where())).toMatch(/^false 14 "127.0.0.1:\d+: /);
    const waiting = where().run(`
      local conn = connect("${server.address}", { wait_for_ready = true })
      return show(conn:unary("${ECHO}", { message = "m" }, { timeout = 8 }))`);
    await sleep(300);
    await server.restart();
    expect(await waiting).toBe(OK);
    await expect.poll(() => call(where())).toBe(OK);
  });

  it("a runtime that was reloaded gets the options and the files again", async () => {
    const text = await where().run(`
      local conn = connect("${server.address}", { reflection = false })
      local good, bad, done = 0, {}, false
      local caller = ngx.thread.spawn(function()
        while not done do
          local ok, res, err = conn:unary("${ECHO}", { message = "m" })
          if ok then good = good + 1 else bad[#bad + 1] = res .. err end
          ngx.sleep(0.001)
        end
      end)
      local function answers(count)
        while good < count and #bad == 0 do ngx.sleep(0.01) end
      end
      answers(10)
      local ok, err
      for _, rt in ipairs(ffi.runtimes()) do ok, err = ffi.reload(rt) end
      answers(good + 10)
      done = true
      ngx.thread.wait(caller)
      return ok or err, #bad, bad[1]`);
    expect(text).toBe("true|0|nil");
  });

  it("a runtime that was unloaded is loaded again", async () => {
    const text = await where().run(`
      for _, rt in ipairs(ffi.runtimes()) do ffi.unload(rt) end
      local conn = connect("${server.address}")
      local first = conn:unary("${ECHO}", { message = "m" })
      return show(conn:unary("${ECHO}", { message = "m" }))`);
    expect(text).toBe(OK);
  });
});

it("a child process that is killed costs the calls under way, and no more", async () => {
  const pid = await isolated.run(`
    local conn = connect("${server.address}")
    assert(conn:unary("${ECHO}", {}))
    return ngx.worker.pid()`);
  const pids = children(Number(pid));
  expect(pids.length).toBeGreaterThan(0);
  const slow = isolated.run(`return show(connect("${server.address}"):unary("${SLOW}", { name = "slow" }))`);
  await underWay(1);
  for (const child of pids) process.kill(child, "SIGKILL");
  expect(await slow).toMatch(/^false -7 /);
  await expect.poll(() => call(isolated)).toBe(OK);
});

/** Until the server has as many calls under way. */
async function underWay(streams: number): Promise<void> {
  await expect.poll(() => server.stats(), SOON).toMatchObject({ streams });
}

describe("under load", () => {
  it("a server that is killed costs what is under way; all the rest is answered once", async () => {
    const load = lua.run(`
      local conn = connect("${server.address}")
      local good, codes, wrong = 0, {}, 0
      local stop = ngx.now() + 3
      local function work(id)
        local n = 0
        while ngx.now() < stop do
          n = n + 1
          local message = id .. ":" .. n
          local ok, res = conn:unary("${ECHO}", { message = message }, { timeout = 20 })
          if not ok then
            codes[res] = (codes[res] or 0) + 1
            ngx.sleep(0.02)
          elseif res.message == message then
            good = good + 1
          else
            wrong = wrong + 1
          end
        end
        return (conn:unary("${ECHO}", { message = "end" }, { timeout = 20, wait_for_ready = true }))
      end
      local threads, ends = {}, 0
      for k = 1, 32 do threads[k] = ngx.thread.spawn(work, k) end
      for k = 1, 32 do ends = ends + (select(2, ngx.thread.wait(threads[k])) and 1 or 0) end
      return show(good > 100 or good, codes, wrong, ends)`);
    await sleep(500);
    await server.kill();
    await sleep(300);
    await server.restart();
    await sleep(300);
    await server.pause();
    await sleep(300);
    server.resume();
    expect(await load).toMatch(/^true \{14=\d+\} 0 32$/);
  });

  it("a server that hangs costs the deadline, and with keepalive its connection", async () => {
    const pinged = "{ keepalive = 0.2, keepalive_timeout = 0.2, connect_timeout = 0.5 }";
    expect(await call(lua, `, ${pinged}`)).toBe(OK);
    const under = (options: string, timeout: number) =>
      lua.run(
        `return show(connect("${server.address}", ${options}):unary("${SLOW}", { name = "slow" }, { timeout = ${timeout} }))`,
      );
    const waiting = [under("{}", 2), under(pinged, 20)];
    await underWay(2);
    await server.pause();
    try {
      expect(await waiting[1]).toMatch(/^false 14 ".*the server did not answer a ping within 0.2 s"$/);
      await sleep(200);
      expect(await under(pinged, 20)).toMatch(/^false 14 ".*no connection within 0.5 s"$/);
      expect(await waiting[0]).toMatch(/^false -1 "timeout: /);
    } finally {
      server.resume();
    }
    await expect.poll(() => call(lua, `, ${pinged}`), SOON).toBe(OK);
  });

  it("a server that says that it will end gets no new calls, and finishes those that it has", async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let waits = 0;
    const other = await startHttp2Grpc(async ({ message }) => {
      if (message.length > 0) {
        waits++;
        await held;
      }
      return { messages: [message] };
    });
    const slow = lua.run(`return show(connect("${other.address}"):unary("${ECHO}", { message = "m" }))`);
    await expect.poll(() => waits, SOON).toBe(1);
    other.goAway();
    expect(await lua.run(`return show(connect("${other.address}"):unary("${ECHO}", {}))`)).toBe(
      'true {message=""} nil',
    );
    release();
    expect(await slow).toBe(OK);
    await other.close();
  });
});

describe("what is dropped", () => {
  /** Threads, descriptors and kilobytes of the worker, without the memory that malloc keeps for later. */
  const used = async () =>
    usageOf(
      await lua.run(`
        local ffi = require "ffi"
        pcall(ffi.cdef, "int malloc_trim(size_t pad);")
        collectgarbage()
        collectgarbage()
        ffi.C.malloc_trim(0)
        return ngx.worker.pid()`),
    );

  it("is collected: 10,000 clients", async () => {
    const make = (from: number, to: number) =>
      lua.run(`
        local failed
        local function work(first)
          for k = first, ${to}, 16 do
            local conn = connect("${server.address}", { idle_timeout = 0.2, metadata = { ["x-k"] = tostring(k) } })
            local ok, code, err = conn:unary("${ECHO}", { message = "m" })
            if not ok then failed = code .. " " .. err end
          end
        end
        local threads = {}
        for k = 1, 16 do threads[k] = ngx.thread.spawn(work, ${from} + k - 1) end
        for k = 1, 16 do ngx.thread.wait(threads[k]) end
        return failed`);
    await expect.poll(connections, SOON).toBeLessThanOrEqual(3);
    const idle = await connections();
    // As many at once as later on: what that takes is not a leak.
    expect(await make(1, 3000)).toBe("nil");
    await expect.poll(connections, SOON).toBeLessThanOrEqual(idle);
    const before = await used();
    const calls = (await server.stats()).calls;
    expect(await make(3001, 13_000)).toBe("nil");
    expect((await server.stats()).calls - calls).toBe(10_000);
    await expect.poll(connections, SOON).toBeLessThanOrEqual(idle);
    // 200 bytes for each of them.
    await expect.poll(async () => (await used()).kb, SOON).toBeLessThan(before.kb + 2000);
    const after = await used();
    expect(after.threads).toBeLessThanOrEqual(before.threads);
    expect(after.fds).toBeLessThanOrEqual(before.fds + 1);
  });

  it("is collected: 2,000 streams that were not closed, in any state", async () => {
    const open = (count: number) =>
      lua.run(`
        local conn = connect("${server.address}")
        for k = 1, ${count} do
          local ok, stream = conn:new_stream("${CHAT}")
          assert(ok, stream)
          if k % 2 == 0 then assert(stream:send({ message = "m" })) end
          if k % 4 == 0 then assert(stream:recv()) end
          if k % 8 == 0 then stream:close() end
        end`);
    for (let k = 0; k < 5; k++) await open(100);
    const before = await used();
    for (let k = 0; k < 20; k++) await open(100);
    await expect.poll(() => server.stats(), SOON).toMatchObject({ streams: 0 });
    const now = await used();
    expect(now.threads).toBeLessThanOrEqual(before.threads);
    expect(now.fds).toBeLessThanOrEqual(before.fds);
    // Half a kilobyte for each of them.
    expect(now.kb).toBeLessThan(before.kb + 1000);
  });

  it("is collected: a stream whose server takes nothing more", async () => {
    expect(
      await lua.run(`
        local ok, stream = connect("${server.address}"):new_stream("${CHAT}")
        local sent = 0
        while stream:send({ message = ("x"):rep(60000) }, 0.3) do sent = sent + 1 end
        return sent > 4`),
    ).toBe("true");
    await expect.poll(() => server.stats(), SOON).toMatchObject({ streams: 0 });
  });
});
