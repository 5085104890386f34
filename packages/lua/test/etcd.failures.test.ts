import { readFileSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { children } from "@resty-ffi/scripts/processes";
import { connectionsTo, freePorts, type Service, startEtcd } from "@resty-ffi/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EtcdLua, type SecureEtcd, SOON, startEtcdLua, startSecureEtcd } from "./support/etcd.ts";

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

/** Every method of `c`, with a deadline of 0.4 s: which code it ends with, and the longest time that one took. */
const EVERY_METHOD = 'return require("scenarios.etcd_every_method")(c)';

describe("a server that is", () => {
  it("not there: an error with its reason within the deadline", async () => {
    const [port] = await freePorts(1);
    const c = `c = client{ endpoints = { "127.0.0.1:${port}" } }`;
    const [codes, longest] = await run(`${c} ${EVERY_METHOD}`);
    expect(Object.keys(codes)).toHaveLength(15);
    for (const [name, code] of Object.entries(codes))
      expect([name, [14, -1].includes(code as number)]).toEqual([name, true]);
    expect(longest).toBeLessThan(4);
    // The reason comes a moment before the deadline, and on a machine that is busy enough the deadline comes first.
    const refused = [14, expect.stringContaining("connection refused")];
    for (const method of ['get("x"', 'put("x", "y"', 'watch({ key = "x" }', 'lock("x"'])
      await expect
        .poll(async () => (await run(`${c} return c:${method}, { timeout = 0.4 })`)).slice(1))
        .toEqual(refused);
  });

  it("paused: TIMEOUT within the deadline, and then it goes on", async () => {
    await run('return c:get("x")');
    await etcd.pause();
    const [codes, longest] = await run(EVERY_METHOD);
    etcd.resume();
    for (const [name, code] of Object.entries(codes)) expect([name, code]).toEqual([name, -1]);
    expect(longest).toBeLessThan(4);
    expect((await run('return c:put("x", "1")'))[0]).toBe(true);
  });

  it("killed under load and restarted: errors within the deadline, then service, without a reload", async () => {
    const load = run(`
      local threads, stop, good, longest, after = {}, false, 0, 0, 0
      local codes = {}
      for k = 1, 32 do threads[k] = ngx.thread.spawn(function()
        while not stop do
          local start = ngx.now()
          local ok, code, err
          if k % 2 == 0 then ok, code, err = c:get("load", { timeout = 0.5 })
          else ok, code, err = c:put("load", tostring(k), { timeout = 0.5 }) end
          ngx.update_time()
          longest = math.max(longest, ngx.now() - start)
          if ok then good = good + 1 after = after + (package.loaded.back and 1 or 0)
          else codes[tostring(code)] = err end
          ngx.sleep(0.005)
        end
      end) end
      wait_until("service", function() return after > 200 end)
      stop = true
      for k = 1, 32 do assert(ngx.thread.wait(threads[k])) end
      return codes, longest, good > 200`);
    await sleep(300);
    await etcd.kill();
    await sleep(700);
    await etcd.restart();
    await run("package.loaded.back = true return true");
    const [codes, longest, good] = await load;
    const allowed = ["14", "-1"];
    expect(Object.keys(codes).filter((code) => !allowed.includes(code))).toEqual([]);
    expect(Object.keys(codes).length).toBeGreaterThan(0);
    expect(longest).toBeLessThan(4);
    expect(good).toBe(true);
  });

  it("restarted: leases that are kept alive live on", async () => {
    const chunk = run(`
      local _, lease = c:grant(2, { keep_alive = true })
      local _, streamed = c:grant(2)
      local kept = assert(c:keep_alive(streamed.id))
      package.loaded.granted = true
      wait_until("the restart", function() return package.loaded.restarted end)
      ngx.sleep(2.5)
      local one, other = c:time_to_live(lease.id), c:time_to_live(streamed.id)
      c:revoke(lease.id)
      c:revoke(streamed.id)
      return one, other`);
    await run('wait_until("the leases", function() return package.loaded.granted end) return true');
    await etcd.restart();
    await run("package.loaded.restarted = true return true");
    expect(await chunk).toEqual([true, true]);
  });
});

describe("a runtime that is", () => {
  it("reloaded under load: no call is lost", async () => {
    const [failed, calls, reloads, left, again] = await run(`
      local threads, stop, calls, failed = {}, false, 0, {}
      for k = 1, 16 do threads[k] = ngx.thread.spawn(function()
        while not stop do
          local ok, code, err = c:get("x")
          calls = calls + 1
          if not ok then failed[#failed + 1] = code .. " " .. err end
        end
      end) end
      local rt
      for _, one in ipairs(resty_ffi.runtimes()) do
        if resty_ffi.stats(one).name:find("etcd") then rt = one end
      end
      local reloads = 0
      for _ = 1, 2 do
        ngx.sleep(0.1)
        reloads = reloads + (resty_ffi.reload(rt) and 1 or 0)
      end
      ngx.sleep(0.1)
      stop = true
      for k = 1, 16 do assert(ngx.thread.wait(threads[k])) end
      resty_ffi.unload(rt)
      return failed, calls > 50, reloads, { c:get("x") }, (c:get("x"))`);
    expect(failed).toEqual({});
    expect([calls, reloads]).toEqual([true, 2]);
    expect(left.slice(0, 2)).toEqual([false, -8]);
    expect(again).toBe(true); // it is loaded once more
  });

  it("unloaded closes its connections, and gives its locks back", async () => {
    const before = connectionsTo(etcd.address);
    const [took, connections] = await run(`
      local n = client{ idle_timeout = 1000 }
      local ok, lock = n:lock("unload", { ttl = 60 })
      for k = 1, 5 do assert(client{ namespace = "unload" .. k, idle_timeout = 1000 }:get("x")) end
      return ok ~= nil, resty_ffi.unload(resty_ffi.runtimes()[1])`);
    expect([took, connections]).toEqual([true, true]);
    await run('return (c:get("x"))');
    expect(await run('local ok, lock = c:lock("unload", { timeout = 5 }) return ok and lock:unlock()')).toEqual([true]);
    await expect.poll(() => connectionsTo(etcd.address), SOON).toBeLessThanOrEqual(before);
  });

  it("isolated, does the same, and a crash costs its calls only", async () => {
    const isolated = await startEtcdLua(
      etcd.address,
      {},
      'assert(require("resty.ffi.etcd").setup{ isolate = true, timeout = 2 })',
    );
    try {
      const [transport, child] = await isolated.run(`
        assert(c:put("isolated", "1"))
        local watch = assert(c:watch{ key = "isolated" })
        assert(c:put("isolated", "2"))
        local ok, res = watch:recv()
        assert(ok and res.events[1].kv.value == "2")
        return resty_ffi.stats(resty_ffi.runtimes()[1]).transport, ngx.worker.pid()`);
      expect(transport).toBe("process");
      const [pid] = children(child);
      expect(pid).toBeGreaterThan(1);
      const watching = isolated.run(`
        local watch = assert(c:watch{ key = "nothing" })
        package.loaded.watching = true
        return watch:recv{ timeout = 10 }`);
      await isolated.run('wait_until("the watch", function() return package.loaded.watching end) return true');
      process.kill(pid as number, "SIGKILL");
      expect((await watching).slice(0, 2)).toEqual([false, -7]);
      await expect.poll(() => isolated.run('return (c:get("isolated", { timeout = 2 }))'), SOON).toEqual([true]);
    } finally {
      await isolated.lua.stop();
    }
  });
});

describe("authentication", () => {
  let secret: Service;
  beforeAll(async () => {
    secret = await startEtcd({ auth: { user: "root", password: "right" }, flags: ["--auth-token-ttl", "1"] });
  });
  afterAll(() => secret?.stop());

  const with_ = (password: string, rest = "") =>
    `local a = client{ endpoints = { "${secret.address}" }, user = "root", password = "${password}" ${rest} }`;

  it("the right password is let in, and others are not", async () => {
    const [right, wrong, none, lease] = await run(`
      ${with_("right")}
      local right = { a:put("x", "1") }
      local w = client{ endpoints = { "${secret.address}" }, user = "root", password = "wrong" }
      local n = client{ endpoints = { "${secret.address}" } }
      local _, lease = a:grant(10)
      return right[1], { w:get("x") }, { n:get("x") }, (a:keep_alive_once(lease.id))`);
    expect(right).toBe(true);
    expect(wrong).toEqual([false, 3, "etcdserver: authentication failed, invalid user ID or password"]);
    expect(none).toEqual([false, 3, "etcdserver: user name is empty"]);
    expect(lease).toBe(true);
    const [watch, code, message] = await run(`
      local w = client{ endpoints = { "${secret.address}" }, user = "root", password = "wrong" }
      return w:watch{ key = "x" }`);
    expect([watch, code, message]).toEqual([null, 3, "etcdserver: authentication failed, invalid user ID or password"]);
  });

  it("a token that has run out is renewed, by calls and by watches", async () => {
    await run(`${with_("right")} assert(a:put("run out", "1")) return true`);
    const expired = () => secret.log().split("deleted a simple token").length;
    const before = expired();
    await expect.poll(expired, SOON).toBeGreaterThan(before);
    const [put, watch] = await run(`${with_("right")} return (a:put("run out", "2")), { a:watch{ key = "run out" } }`);
    expect(put).toBe(true);
    expect(watch[0]).toEqual({ revision: expect.any(Number) });
  });

  it("a token that is not valid any more is renewed: etcd forgets them when it restarts", async () => {
    const chunk = run(`
      ${with_("right")}
      assert(a:put("token", "1"))
      local watch = assert(a:watch{ key = "token" })
      package.loaded.authed = true
      wait_until("the restart", function() return package.loaded.auth_restarted end)
      local ok, res, err = a:put("token", "2", { timeout = 10 })
      local seen, events, err2 = watch:recv{ timeout = 10 }
      return ok or err, seen and events.events[1].kv.value or err2`);
    await run('wait_until("the watch", function() return package.loaded.authed end) return true');
    await secret.restart();
    await run("package.loaded.auth_restarted = true return true");
    expect(await chunk).toEqual([true, "2"]);
  });

  it("a watch without permission ends with 7 and the reason", async () => {
    const ask = async (path: string, body: object, token = "") => {
      const headers = token ? { Authorization: token } : {};
      const asked = { method: "POST", body: JSON.stringify(body), headers } as const;
      return (await fetch(`http://${secret.address}/v3/auth/${path}`, asked)).json();
    };
    const { token } = (await ask("authenticate", { name: "root", password: "right" })) as { token: string };
    await ask("user/add", { name: "ann", password: "hers" }, token);
    const chunk = `
      local a = client{ endpoints = { "${secret.address}" }, user = "ann", password = "hers" }
      return a:watch{ key = "x" }`;
    expect(await run(chunk)).toEqual([null, 7, "etcdserver: permission denied"]);
  });

  it("a server that is down fails it within the deadline, and is found when it is back", async () => {
    await secret.kill();
    const [failure, took] = await run(`
      ${with_("right", ', namespace = "down/"')}
      ngx.update_time()
      local start = ngx.now()
      local failure = { a:get("x", { timeout = 0.5 }) }
      ngx.update_time()
      return failure, ngx.now() - start`);
    expect([14, -1]).toContain(failure[1]);
    expect(took).toBeLessThan(4);
    await secret.restart();
    await expect
      .poll(() => run(`${with_("right", ', namespace = "down/"')} return (a:get("x", { timeout = 1 }))`), SOON)
      .toEqual([true]);
  });
});

describe("TLS", () => {
  let secure: SecureEtcd;
  beforeAll(async () => {
    secure = await startSecureEtcd();
  });
  afterAll(async () => {
    await secure?.etcd.stop();
    if (secure) rmSync(secure.folder, { recursive: true, force: true });
  });

  const call = (tls: string, scheme = "") =>
    run(
      `return client{ endpoints = { "${scheme}${secure.etcd.address}" }, tls = ${tls} }:put("x", "1", { timeout = 1 })`,
    );
  const text = (path: string) => `[[${readFileSync(path, "utf8")}]]`;

  it("with a client certificate, as paths or as texts", async () => {
    const { ca, cert, key } = secure.pem;
    const paths = `{ ca = "${ca}", cert = "${cert}", key = "${key}", server_name = "etcd.test" }`;
    const texts = `{ ca = ${text(ca)}, cert = ${text(cert)}, key = ${text(key)}, server_name = "etcd.test" }`;
    expect((await call(paths))[0]).toBe(true);
    expect((await call(texts, "https://"))[0]).toBe(true);
  });

  it("a name that is not in the certificate, unless it is not verified", async () => {
    const { ca, cert, key } = secure.pem;
    await expect
      .poll(() => call(`{ ca = "${ca}", cert = "${cert}", key = "${key}" }`))
      .toEqual([false, 14, expect.stringContaining("x509: ")]);
    expect((await call(`{ cert = "${cert}", key = "${key}", verify = false }`))[0]).toBe(true);
  });

  it.each([
    [
      "another authority",
      () => `{ ca = "${secure.foreign.ca}", server_name = "etcd.test" }`,
      /x509: certificate signed by/,
    ],
    ["the system's authorities", () => "true", /x509: /],
    ["no client certificate", () => `{ ca = "${secure.pem.ca}", server_name = "etcd.test" }`, /./],
    [
      "a client certificate of another authority",
      () =>
        [
          `{ ca = "${secure.pem.ca}", server_name = "etcd.test",`,
          `cert = "${secure.foreign.cert}", key = "${secure.foreign.key}" }`,
        ].join(" "),
      /./,
    ],
  ])("%s: an error within the deadline", async (_, tls, wanted) => {
    const failed = [false, expect.toSatisfy((code) => [14, -1].includes(code)), expect.stringMatching(wanted)];
    await expect.poll(() => call(tls())).toEqual(failed);
  });

  it("no TLS at all: an error within the deadline", async () => {
    const [ok, code] = await run(
      `return client{ endpoints = { "${secure.etcd.address}" } }:get("x", { timeout = 0.5 })`,
    );
    expect(ok).toBe(false);
    expect([14, -1]).toContain(code);
  });
});
