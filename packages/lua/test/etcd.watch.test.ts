import { readFileSync } from "node:fs";
import { type Service, startEtcd } from "@resty-ffi/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EtcdLua, startEtcdLua } from "./support/etcd.ts";
import { usageOf } from "./support/usage.ts";

let etcd: Service;
let nginx: EtcdLua;
beforeAll(async () => {
  etcd = await startEtcd();
  nginx = await startEtcdLua(etcd.address);
});
afterAll(async () => {
  await nginx?.lua.stop();
  await etcd?.stop();
});

const run = (chunk: string) => nginx.run(chunk);

describe("a watch", () => {
  it("of lua-resty-ffi-etcd works as it did", async () => {
    const [first, closed] = await run(`
      local client, code, err = etcd.new{ endpoints = { "${etcd.address}" } }
      local watch, err = client:watch{ key = "/apisix/", is_prefix = true, prev = true }
      c:put("/apisix/routes/1", "{}")
      local ok, res = watch:recv()
      assert(ok, "watch:recv failed")
      return res, { watch:close(), client:close() }`);
    const kv = { key: "/apisix/routes/1", value: "{}", version: 1 };
    expect(first).toMatchObject({ events: [{ type: "PUT", kv }], revision: first.events[0].kv.mod_revision });
    expect(closed).toEqual([true, true]);
  });

  it("sees what happens from the moment that it is there", async () => {
    const [early, first, second, none] = await run(`
      c:put("now", "0")
      local watch = assert(c:watch{ key = "now", prev_kv = true })
      c:put("now", "1")
      c:delete("now")
      return watch.revision, select(2, watch:recv()), select(2, watch:recv()), { watch:recv{ timeout = 0.05 } }`);
    expect(first).toMatchObject({ revision: early + 1, events: [{ type: "PUT", kv: { value: "1" } }] });
    expect(first.events[0].prev_kv).toMatchObject({ value: "0" });
    expect(second).toMatchObject({ revision: early + 2, events: [{ type: "DELETE", kv: { key: "now" } }] });
    expect(second.events[0].kv.value).toBeUndefined();
    expect(second.events[0].prev_kv).toMatchObject({ value: "1" });
    expect(none.slice(0, 2)).toEqual([false, -1]);
  });

  it("begins in the past, and has the events of a transaction together", async () => {
    const [values, revision] = await run(`
      local op = etcd.op
      local _, first = c:put("past/a", "1")
      c:put("other", "x")
      c:txn{ success = { op.put("past/a", "2"), op.put("past/b", "3"), op.delete("past/none") } }
      local watch = assert(c:watch{ key = "past/", prefix = true, revision = first.revision })
      local values, last = {}, 0
      while #values < 3 do
        local ok, res = assert(watch:recv())
        for _, e in ipairs(res.events) do values[#values + 1] = e.kv.value end
        last = res.revision
      end
      return values, last - first.revision`);
    expect(values).toEqual(["1", "2", "3"]);
    expect(revision).toBe(2);
  });

  it("takes a key, a prefix, or a range, and filters", async () => {
    const [seen] = await run(`
      local seen = {}
      local watches = {
        key = assert(c:watch{ key = "w/b" }), prefix = assert(c:watch{ key = "w/", prefix = true }),
        range = assert(c:watch{ key = "w/a", range_end = "w/c" }),
        noput = assert(c:watch{ key = "w/", prefix = true, filters = { "noput" } }),
        nodelete = assert(c:watch{ key = "w/", prefix = true, filters = { "nodelete" } }),
      }
      for _, name in ipairs({ "a", "b", "c" }) do c:put("w/" .. name, "") end
      c:delete("w/b")
      for name, watch in pairs(watches) do
        local events = {}
        while true do
          local ok, res = watch:recv(0.3)
          if not ok then break end
          for _, e in ipairs(res.events) do events[#events + 1] = e.type:sub(1, 1) .. e.kv.key:sub(3) end
        end
        seen[name] = table.concat(events, " ")
      end
      return seen`);
    expect(seen).toEqual({ key: "Pb Db", prefix: "Pa Pb Pc Db", range: "Pa Pb Db", noput: "Db", nodelete: "Pa Pb Pc" });
  });

  it("from a revision that is compacted fails with 11, and says what is left", async () => {
    const [code, message, oldest] = await run(`
      local _, put = c:put("old", "1")
      for k = 2, 5 do c:put("old", tostring(k)) end
      c:compact(put.revision + 3)
      local watch = assert(c:watch{ key = "old", revision = put.revision })
      local ok, code, message = watch:recv()
      return code, message, put.revision + 3`);
    expect([code, message]).toEqual([
      11,
      "etcdserver: mvcc: required revision has been compacted; " +
        `the oldest revision that can be watched is ${oldest}`,
    ]);
  });

  it("tells its progress when it is asked, and only the watch that asked", async () => {
    const [asked, other] = await run(`
      local watch, other = assert(c:watch{ key = "quiet" }), assert(c:watch{ key = "quiet", progress_notify = false })
      local _, put = c:put("loud", "1")
      local revision
      wait_until("progress", function()
        assert(watch:progress())
        local ok, res, err = watch:recv(1)
        revision = ok and #res.events == 0 and res.revision
        return revision and revision >= put.revision
      end)
      return revision >= put.revision, { other:recv(0.1) }`);
    expect(asked).toBe(true);
    expect(other.slice(0, 2)).toEqual([false, -1]);
  });

  it("has a deadline if it is given one, and is closed at any time", async () => {
    const [late, closed, took] = await run(`
      local watch = assert(c:watch{ key = "x", timeout = 0.3 })
      local start = ngx.now()
      local late = { watch:recv() }
      local took = ngx.now() - start
      local other = assert(c:watch{ key = "x" })
      local waiting = ngx.thread.spawn(function() return other:recv() end)
      other:close()
      local _, ok, code = ngx.thread.wait(waiting)
      return late, { ok, code, (other:recv()) }, took`);
    expect(late.slice(0, 2)).toEqual([false, -1]);
    expect(took).toBeLessThan(4);
    expect(closed).toEqual([false, expect.any(Number), false]);
  });

  it("is waited for without a limit, if that is wanted", async () => {
    const [ok, value, wrong] = await run(`
      local watch = assert(c:watch{ key = "patient" })
      local waiting = ngx.thread.spawn(function() return watch:recv{ timeout = math.huge } end)
      ngx.sleep(0.1)
      c:put("patient", "at last")
      local _, ok, res = ngx.thread.wait(waiting)
      return ok, res.events[1].kv.value, { watch:recv{ timeout = 0 } }`);
    expect([ok, value]).toEqual([true, "at last"]);
    expect(wrong).toEqual([
      false,
      -10,
      'the option "timeout" must be a number of seconds above 0 and up to 2000000, or math.huge, not number 0',
    ]);
  });

  it("hundreds of them go over one connection", async () => {
    expect(
      await run(`
        local watches, seen = {}, 0
        for k = 1, 300 do watches[k] = assert(c:watch{ key = "many" }) end
        c:put("many", "1")
        for k = 1, 300 do
          local ok, res = watches[k]:recv()
          seen = seen + (ok and res.events[1].kv.value == "1" and 1 or 0)
        end
        return seen`),
    ).toEqual([300]);
  });
});

it("a slow reader gets everything in the end, and does not fill the memory", async () => {
  const worker = (await run("return ngx.worker.pid()"))[0] as number;
  await run('c:put("slow/warm", ("x"):rep(100000)) c:get("slow/warm") return true');
  const before = usageOf(worker).kb / 1024;
  const [held, texts, sorted] = await run(`
    local watch = assert(c:watch{ key = "slow/", prefix = true, prev_kv = true })
    local value = ("x"):rep(100000)
    for k = 1, 600 do assert(c:put("slow/" .. k % 3, k .. ":" .. value)) end
    local held = 0
    for line in io.lines("/proc/self/status") do held = tonumber(line:match("^VmRSS:%s+(%d+)")) or held end
    local texts, sorted, last = 0, true, 0
    while texts < 600 do
      local ok, res, err = watch:recv()
      if not ok then error(err) end
      for _, e in ipairs(res.events) do
        texts = texts + 1
        sorted = sorted and e.kv.value:match("^%d+") == tostring(texts) and e.kv.mod_revision > last
        last = e.kv.mod_revision
      end
      if res.revision ~= last then sorted = false end
    end
    return held / 1024, texts, sorted`);
  expect([texts, sorted]).toEqual([600, true]);
  expect(held - before).toBeLessThan(45); // of 60 MB of values, and as much of former ones
});

it("a restart of etcd in the middle: no event is lost, none comes twice", async () => {
  const [[answer]] = await Promise.all([
    run(`
      local progress = {}
      package.loaded.restart = progress
      return require("scenarios.etcd_restart")(c, progress)`),
    (async () => {
      await nginx.run(`
        wait_until("puts", function()
          local progress = package.loaded.restart
          return progress and (progress.stored or 0) > 20
        end)
        return true`);
      await etcd.restart();
      await etcd.kill();
      await new Promise((resolve) => setTimeout(resolve, 300));
      await etcd.restart();
      await nginx.run("package.loaded.restart.restarted = true return true");
    })(),
  ]);
  expect(answer).toEqual({ lost: 0, twice: 0, ordered: true });
});

it("a restart repeats nothing that was there before the watch", async () => {
  const opened = run(`
    c:put("quiet/a", "before")
    local watch = assert(c:watch{ key = "quiet/", prefix = true })
    package.loaded.opened = true
    wait_until("the restart", function() return package.loaded.again end)
    c:put("quiet/a", "after", { timeout = 10 })
    local ok, res, err = watch:recv{ timeout = 10 }
    return ok and res.events[1].kv.value or err`);
  await run('wait_until("the watch", function() return package.loaded.opened end) return true');
  await etcd.restart();
  await run("package.loaded.again = true return true");
  expect(await opened).toEqual(["after"]);
});

it("docs/etcd.md names every function and every option", () => {
  const read = (...files: string[]) =>
    files.map((file) => readFileSync(new URL(`../lib/resty/ffi/${file}.lua`, import.meta.url), "utf8")).join("\n");
  const docs = readFileSync(new URL("../../../docs/etcd.md", import.meta.url), "utf8");
  const functions = read("etcd", "etcd/client", "etcd/streams").matchAll(
    /^function (?:Client|Watch|Lock|KeepAlive|_M)[.:](\w+)\(/gm,
  );
  const methods = [...functions].map(([, name]) => name);
  const known = read("etcd/options", "connection").matchAll(/^ {4,8}(\w+) = (?:check\.\w+|filters|is_tls)/gm);
  const options = [...known].map(([, name]) => name);
  expect(methods.length).toBeGreaterThan(20);
  expect(options.length).toBeGreaterThan(25);
  expect([...methods, ...options].filter((name) => !docs.includes(`${name}`))).toEqual([]);
});
