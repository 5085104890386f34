import { type Service, startEtcd } from "@resty-ffi/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EtcdLua, startEtcdLua } from "./support/etcd.ts";

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

describe("keys and values", () => {
  it("put, get, delete", async () => {
    const [put, got, deleted, none] = await run(`
      local _, put = c:put("kv/a", "1")
      local _, got = c:get("kv/a")
      local _, deleted = c:delete("kv/a")
      local _, none = c:get("kv/a")
      return put, got, deleted, none`);
    const at = put.revision;
    const kv = { key: "kv/a", value: "1", create_revision: at, mod_revision: at, version: 1 };
    expect(put).toEqual({ revision: expect.any(Number) });
    expect(got).toEqual({ revision: at, count: 1, more: false, kvs: [kv] });
    expect(deleted).toEqual({ revision: at + 1, deleted: 1 });
    expect(none).toEqual({ revision: at + 1, count: 0, more: false, kvs: [] });
  });

  it("are bytes, whatever they are", async () => {
    expect(
      await run(`
        local every = {}
        for k = 0, 255 do every[k + 1] = string.char(k) end
        every = table.concat(every)
        local same = true
        for _, value in ipairs({ every, "", "\\0", ("\\255"):rep(100000) }) do
          assert(c:put("bytes/" .. every, value))
          local ok, res = c:get("bytes/" .. every)
          same = same and ok and res.kvs[1].key == "bytes/" .. every and res.kvs[1].value == value
        end
        return same`),
    ).toEqual([true]);
  });

  it("the options of get", async () => {
    const [result] = await run('return require("scenarios.etcd_get_options")(c)');
    expect(result).toEqual({
      prefix: "a9 b4 c1 d2 4 false",
      range: "a9 b4 2 false",
      from: "d2",
      limit: "a9 b4 4 true",
      past: "a3 b4 2 false",
      descending: "d2 c1 b4 a9 4 false",
      by_value: "c1 d2 b4 a9 4 false",
      by_version: "a9 4 true",
      by_creation: "b4 a9 d2 c1 4 false",
      by_change: "b4 d2 c1 a9 4 false",
      by_key: "a9 b4 c1 d2 4 false",
      keys_only: "a b c d 4 false",
      count_only: " 4 false",
      serializable: "a9 b4 c1 d2 4 false",
      min_mod: "a9 c1 d2 4 false",
      max_mod: "b4 d2 4 false",
      min_create: "c1 d2 4 false",
      max_create: "a9 b4 4 false",
      future: "11 etcdserver: mvcc: required revision is a future revision",
    });
  });

  it("the options of put and delete", async () => {
    const [result] = await run(`
      local r = {}
      r.first = select(2, c:put("po", "1", { prev_kv = true }))
      r.second = select(2, c:put("po", "2", { prev_kv = true }))
      local _, lease = c:grant(100)
      c:put("po", "3", { lease = lease.id })
      local function lease_of() return select(2, c:get("po")).kvs[1].lease == lease.id end
      r.leased = lease_of()
      c:put("po", "4", { ignore_lease = true })
      r.kept = lease_of()
      c:put("po", nil, { ignore_value = true })
      r.value, r.unleased = select(2, c:get("po")).kvs[1].value, lease_of()
      r.deleted = select(2, c:delete("p", { prefix = true, prev_kv = true }))
      r.none = select(2, c:delete("po", { prev_kv = true }))
      for _, key in ipairs({ "dr/a", "dr/b", "dr/c" }) do c:put(key, "") end
      r.range = select(2, c:delete("dr/a", { range_end = "dr/c" })).deleted
      c:revoke(lease.id)
      return r`);
    expect(result.first).toEqual({ revision: expect.any(Number) });
    expect(result.second.prev_kv).toMatchObject({ key: "po", value: "1", version: 1 });
    expect(result).toMatchObject({ leased: true, kept: true, value: "4", unleased: false, range: 2 });
    expect(result.deleted).toMatchObject({ deleted: 1, prev_kvs: [{ key: "po", value: "4" }] });
    expect(result.none).toMatchObject({ deleted: 0, prev_kvs: [] });
  });

  it("compact: what is older cannot be read any more", async () => {
    expect(
      await run(`
        local _, put = c:put("compact", "1")
        c:put("compact", "2")
        local ok = c:compact(put.revision + 1, { physical = true })
        return ok, c:get("compact", { revision = put.revision })`),
    ).toEqual([true, false, 11, "etcdserver: mvcc: required revision has been compacted"]);
  });
});

describe("transactions", () => {
  it("do one of two things, and say what came of it", async () => {
    const chunk = `
      local is, op = etcd.compare, etcd.op
      local function txn() return select(2, c:txn{
        compare = { is.version("txn/a", "=", 0) },
        success = { op.put("txn/a", "1", { prev_kv = true }), op.get("txn/a"), op.delete("txn/none") },
        failure = { op.get("txn/", { prefix = true, keys_only = true }), op.delete("txn/a", { prev_kv = true }) },
      }) end
      return txn(), txn()`;
    const [first, second] = await run(chunk);
    expect(first).toEqual({
      revision: expect.any(Number),
      succeeded: true,
      responses: [{}, { count: 1, more: false, kvs: [expect.objectContaining({ value: "1" })] }, { deleted: 0 }],
    });
    expect(second).toMatchObject({ succeeded: false, responses: [{ kvs: [{ key: "txn/a" }] }, { deleted: 1 }] });
    expect(second.responses[0].kvs[0].value).toBeUndefined();
  });

  it("compare everything that a key has", async () => {
    const [results] = await run(`
      local is, op = etcd.compare, etcd.op
      local _, lease = c:grant(100)
      local _, put = c:put("cmp/a", "m", { lease = lease.id })
      c:put("cmp/b", "m")
      local r = {}
      for name, condition in pairs({
        value = is.value("cmp/a", "=", "m"), value_not = is.value("cmp/a", "!=", "m"),
        value_gt = is.value("cmp/a", ">", "l"),
        version = is.version("cmp/a", "<", 2), created = is.create_revision("cmp/a", "=", put.revision),
        modified = is.mod_revision("cmp/a", ">", put.revision), lease = is.lease("cmp/a", "=", lease.id),
        lease_not = is.lease("cmp/a", "!=", lease.id), prefix = is.value("cmp/", "=", "m", { prefix = true }),
        range = is.create_revision("cmp/a", "=", put.revision, { range_end = "cmp/z" }),
      }) do
        local ok, res, err = c:txn{ compare = { condition } }
        r[name] = ok and res.succeeded or err or false
      end
      c:revoke(lease.id)
      return r`);
    expect(results).toEqual({
      ...{ value: true, value_not: false, value_gt: true, version: true, created: true, modified: false, lease: true },
      ...{ lease_not: false, prefix: true, range: false },
    });
  });

  it("may have others inside, and may be empty", async () => {
    const [nested, empty] = await run(`
      local is, op = etcd.compare, etcd.op
      local nested = select(2, c:txn{ success = {
        op.txn{ compare = { is.version("nested", ">", 0) }, failure = { op.put("nested", "1") } }, op.get("nested") } })
      return nested, select(2, c:txn{})`);
    expect(nested).toMatchObject({ succeeded: true, responses: [{ succeeded: false, responses: [{}] }, { count: 1 }] });
    expect(empty).toMatchObject({ succeeded: true, responses: [] });
  });

  it("etcd's own refusals come through", async () => {
    expect(await run('local op = etcd.op return c:txn{ success = { op.put("x", "1"), op.put("x", "2") } }')).toEqual([
      false,
      3,
      "etcdserver: duplicate key given in txn request",
    ]);
  });
});

describe("leases", () => {
  it("take their keys along when they are revoked", async () => {
    const [grant, ttl, revoked, left, again] = await run(`
      local _, grant = c:grant(60)
      c:put("lease/a", "1", { lease = grant.id })
      local _, ttl = c:time_to_live(grant.id, { keys = true })
      local revoked = c:revoke(grant.id)
      return grant, ttl, revoked, select(2, c:get("lease/a")).count, { c:revoke(grant.id) }`);
    expect(grant).toEqual({ id: expect.stringMatching(/^\d{10,}$/), ttl: 60 });
    expect(ttl).toEqual({ id: grant.id, ttl: expect.any(Number), granted_ttl: 60, keys: ["lease/a"] });
    expect([revoked, left]).toEqual([true, 0]);
    expect(again).toEqual([false, 5, "etcdserver: requested lease not found"]);
  });

  it("expire, unless they are kept alive: once, in the background, or by a stream", async () => {
    const [left] = await run(`
      local ids, left = {}, {}
      for _, name in ipairs({ "dropped", "background", "stream" }) do
        local _, lease = c:grant(1, { keep_alive = name == "background" or nil })
        ids[name] = lease.id
        c:put("alive/" .. name, "", { lease = lease.id })
      end
      local kept = assert(c:keep_alive(ids.stream))
      local ok, renewal = kept:recv()
      assert(ok and renewal.id == ids.stream and renewal.ttl >= 1 and kept.ttl >= 1)
      assert(c:keep_alive_once(ids.dropped))
      wait_until("the end of the first", function() return not c:time_to_live(ids.dropped) end)
      assert(not c:keep_alive_once(ids.dropped))
      for _, kv in ipairs(select(2, c:get("alive/", { prefix = true })).kvs) do left[#left + 1] = kv.key end
      kept:close()
      wait_until("the end of the third", function() return not c:time_to_live(ids.stream) end)
      c:revoke(ids.background)
      return left`);
    expect(left).toEqual(["alive/background", "alive/stream"]);
  });

  it("one that is gone ends its stream, and none begins", async () => {
    expect(
      await run(`
        local _, lease = c:grant(2)
        local kept = assert(c:keep_alive(lease.id))
        c:revoke(lease.id)
        local ok, code, err
        repeat ok, code, err = kept:recv() until not ok
        return code, err, c:keep_alive(lease.id)`),
    ).toEqual([5, "etcdserver: requested lease not found", null, 5, "etcdserver: requested lease not found"]);
  });

  it("are listed", async () => {
    expect(
      await run(`
        local _, lease = c:grant(50)
        local found = false
        for _, id in ipairs(select(2, c:leases())) do found = found or id == lease.id end
        c:revoke(lease.id)
        return found`),
    ).toEqual([true]);
  });
});

describe("locks", () => {
  it("are held by one at a time, and passed on", async () => {
    expect(
      await run(`
        local most, now, done, threads = 0, 0, 0, {}
        for k = 1, 8 do threads[k] = ngx.thread.spawn(function()
          local ok, lock, err = c:lock("jobs", { ttl = 5, timeout = 20 })
          if not ok then error(err) end
          now = now + 1
          most = math.max(most, now)
          ngx.sleep(0.01)
          now = now - 1
          local is = etcd.compare
          assert(select(2, c:txn{ compare = { is.create_revision(lock.key, ">", 0) } }).succeeded)
          assert(lock:held() == true)
          done = done + (lock:unlock() and 1 or 0)
        end) end
        for k = 1, 8 do assert(ngx.thread.wait(threads[k])) end
        return most, done, select(2, c:get("jobs/", { prefix = true })).count`),
    ).toEqual([1, 8, 0]);
  });

  it("cannot be taken while another client holds them", async () => {
    const held = `
      local _, lock = c:lock("busy", { ttl = 5 })
      local none, code, err = c:lock("busy", { try = true })
      local tried = { none == nil, code, err }
      local start = ngx.now()
      none, code, err = c:lock("busy", { timeout = 0.3 })
      local waited = { none == nil, code, err }
      ngx.update_time()
      local took = ngx.now() - start
      lock:unlock()
      return tried, waited, took < 4 or took, select(2, c:get("busy/", { prefix = true })).count`;
    const tried = [true, 10, 'the lock "busy" is held by another holder'];
    // The reason comes a moment before the deadline, and on a machine that is busy enough the deadline comes first.
    const waited = [true, -1, 'the lock "busy" was held by others until the time was up'];
    await expect.poll(() => run(held)).toEqual([tried, waited, true, 0]);
  });

  it("are free when the request that took them has ended", async () => {
    await run('assert(c:lock("left", { ttl = 60 })) return true');
    expect(await run('local ok, lock = c:lock("left", { timeout = 4 }) return ok and lock:unlock()')).toEqual([true]);
  });

  it("one whose lease is gone is lost, and says so", async () => {
    expect(
      await run(`
        local _, lock = c:lock("lost", { ttl = 1 })
        local _, found = c:get(lock.key)
        c:revoke(found.kvs[1].lease)
        local held, code, err
        wait_until("the loss", function() held, code, err = lock:held() return not held end)
        return code, err, (lock:unlock())`),
    ).toEqual([5, 'the lock "lost" is lost: its lease was not renewed in time', false]);
  });
});

it("the cluster: status, members, endpoints", async () => {
  const [status, members, endpoints, other] = await run(`
    local _, status = c:status()
    local _, members = c:members()
    local _, endpoints = c:endpoints()
    return status, members, endpoints, { c:status("127.0.0.1:1", { timeout = 0.3 }) }`);
  const id = expect.stringMatching(/^\d+$/);
  expect(status).toMatchObject({ endpoint: etcd.address, cluster_id: id, member_id: id, is_learner: false });
  expect(status.leader).toBe(status.member_id);
  expect(status.version).toMatch(/^3\.\d+\.\d+/);
  expect(status.db_size).toBeGreaterThanOrEqual(status.db_size_in_use);
  expect(members).toMatchObject([{ id: status.member_id, name: "test", client_urls: [`http://${etcd.address}`] }]);
  expect(endpoints).toEqual([etcd.address]);
  expect(other.slice(0, 2)).toEqual([false, -1]);
});

describe("options of a client", () => {
  it("a namespace comes before all keys, and answers do not have it", async () => {
    const [inside, outside, events, key] = await run(`
      local n = client{ namespace = "ns/" }
      local watch = assert(n:watch{ key = "", prefix = true })
      n:put("a", "1")
      n:txn{ success = { etcd.op.put("b", "2") } }
      local _, first = watch:recv()
      local _, lock = n:lock("l")
      local key = lock.key
      lock:unlock()
      return select(2, n:get("", { prefix = true })).kvs, select(2, c:get("ns/", { prefix = true })).kvs, first, key`);
    expect(inside.map((kv: { key: string }) => kv.key)).toEqual(["a", "b"]);
    expect(outside.map((kv: { key: string }) => kv.key)).toEqual(["ns/a", "ns/b"]);
    expect(events.events[0].kv.key).toBe("a");
    expect(key).toMatch(/^l\//);
  });

  it("max_send_bytes and max_receive_bytes", async () => {
    expect(
      await run(`
        local s, r = client{ max_send_bytes = 1000 }, client{ max_receive_bytes = 1000 }
        c:put("large", ("x"):rep(2000))
        local _, code1, err1 = s:put("large", ("x"):rep(2000))
        local _, code2, err2 = r:get("large")
        local _, code3, err3 = c:put("large", ("x"):rep(1600000))
        local _, code4 = c:put("large", ("x"):rep(3000000))
        return code1, err1:match("larger than max"), code2, err2:match("larger than max"), code3, err3, code4`),
    ).toEqual([8, "larger than max", 8, "larger than max", 3, "etcdserver: request is too large", 8]);
  });

  it("http:// and several endpoints, of which one is there", async () => {
    expect(
      await run(`
        local n = client{ endpoints = { "http://127.0.0.1:1", "http://${etcd.address}" }, connect_timeout = 1,
                          keepalive = 10, keepalive_timeout = 3, auto_sync_interval = 60, idle_timeout = 0.5 }
        local fine = 0
        for _ = 1, 20 do fine = fine + (n:get("x") and 1 or 0) end
        return fine`),
    ).toEqual([20]);
  });

  it.each([
    ["", "the options must be a table, not a nil"],
    ["{}", 'the option "endpoints" is missing: a list of addresses such as "127.0.0.1:2379"'],
    ["{ endpoints = {} }", 'the option "endpoints" is missing'],
    ['{ endpoints = "x" }', 'the option "endpoints" must be a list of names, not string "x"'],
    ['{ endpoints = { "x" }, passwort = "y" }', 'there is no option "passwort"; the options are: auto_sync_interval'],
    ['{ endpoints = { "x" }, user = "y" }', 'the options "user" and "password" need each other'],
    ['{ endpoints = { "x" }, tls = { ca = 7 } }', 'the option "tls": the option "ca" must be a string'],
    [
      '{ endpoints = { "x" }, tls = { ca = "/nowhere" } }',
      'the option "tls.ca" is neither PEM nor a file that can be read',
    ],
    ['{ endpoints = { "x" }, tls = { cert = "-----BEGIN" } }', 'the options "tls.cert" and "tls.key" need each other'],
    ['{ endpoints = { "x" }, idle_timeout = 0 }', 'the option "idle_timeout" must be a number of seconds above 0'],
  ])("new(%s)", async (options, sentence) => {
    const [client, code, message] = await run(`return etcd.new(${options})`);
    expect([client, code]).toEqual([null, -10]);
    expect(message).toContain(sentence);
  });

  it.each([
    ['tls = { ca = "-----BEGIN nonsense" }', '"tls.ca" has no certificate that can be read'],
    ['tls = { cert = "-----BEGIN", key = "-----BEGIN" }', '"tls.cert" and "tls.key" are not a usable pair'],
    ['endpoints = { "https://a:1", "http://b:1" }', 'endpoints[2], "http://b:1", is without TLS'],
    ['endpoints = { "a:1", "https://b:1" }', 'endpoints[2], "https://b:1", is with TLS'],
    ['tls = true, endpoints = { "http://b:1" }', 'endpoints[1], "http://b:1", is without TLS'],
    ["max_send_bytes = 2000, max_receive_bytes = 1000", '"max_receive_bytes" must not be less than "max_send_bytes"'],
  ])("{ %s } is refused by the first call", async (options, sentence) => {
    const [ok, code, message] = await run(`return client({ ${options} }):get("x")`);
    expect([ok, code]).toEqual([false, -10]);
    expect(message).toContain(sentence);
  });
});

describe("bad input is refused, and nothing hangs", () => {
  it.each([
    ["c:get()", "the key must be a string, not a nil"],
    ["c:get(7)", "the key must be a string, not a number"],
    ['c:get("x", 7)', "the options must be a table, not a number"],
    ['c:get("x", { prefx = true })', 'there is no option "prefx"; the options are: count_only, descending'],
    ['c:get("x", { limit = "1" })', 'the option "limit" must be a whole number from 0 on, not string "1"'],
    ['c:get("x", { limit = -1 })', 'the option "limit" must be'],
    ['c:get("x", { sort = "size" })', 'the option "sort" must be one of key, value'],
    ['c:get("x", { prefix = true, range_end = "y" })', '"prefix" and "range_end" exclude each other'],
    ['c:get("x", { timeout = 0 })', 'the option "timeout" must be a number of seconds'],
    ['c:put("x")', "the value must be a string, not a nil"],
    ['c:put("x", 5)', "the value must be a string, not a number"],
    ['c:put(nil, "x")', "the key must be a string, not a nil"],
    ['c:put("x", "y", { lease = 5 })', 'the option "lease" must be a string'],
    ['c:put("x", "y", { lease = "five" })', '"lease": the id of a lease is a string of digits'],
    ['c:put("x", "y", { lease = "99999999999999999999" })', '"lease": the id of a lease is a string of digits'],
    ["c:delete({})", "the key must be a string, not a table"],
    [
      'c:delete("x", { limit = 1 })',
      'there is no option "limit"; the options are: prefix, prev_kv, range_end, timeout',
    ],
    ["c:txn()", "a transaction must be a table with the lists compare, success, failure, not a nil"],
    ["c:txn{ success = 5 }", '"success" must be a list, not a number'],
    ["c:txn{ then_ = {} }", 'there is no list "then_"; the lists are: compare, failure, success'],
    ["c:txn{ success = { {} } }", "success[1] must be made by a function of etcd.op, and is a table"],
    ["c:txn{ compare = { nil, etcd.compare.version('x', '=', 0) } }", "compare[1] must be made by a function"],
    ["c:txn{ compare = { etcd.op.get('x') } }", "compare[1] must be made by a function of etcd.compare"],
    ["c:txn{ success = { etcd.op.put('x') } }", "success[1]: the value must be a string, not a nil"],
    ["c:txn{ failure = { etcd.op.get('x', { timeout = 1 }) } }", 'failure[1]: there is no option "timeout"'],
    [
      "c:txn{ compare = { etcd.compare.value('x', '==', 'y') } }",
      "compare[1]: the operator must be one of =, !=, <, >",
    ],
    ["c:txn{ compare = { etcd.compare.version('x', '=', 'y') } }", "compare[1]: the option"],
    ["c:txn{ compare = { etcd.compare.version('x', '=') } }", "compare[1]: there is nothing to compare with"],
    ["c:txn{ success = { etcd.op.txn{ success = { 1 } } } }", "success[1]: success[1] must be made by a function"],
    ["c:txn{ success = { etcd.op.get('x', { prefix = true, range_end = 'y' }) } }", "success[1]: "],
    ["c:compact('5')", "the revision must be a whole number from 0 on"],
    ["c:grant(0)", "the time to live must be a whole number of seconds from 1 on"],
    ["c:grant(1.5)", "the time to live must be a whole number of seconds from 1 on"],
    ["c:grant(5, { keepalive = true })", 'there is no option "keepalive"; the options are: keep_alive, timeout'],
    ["c:revoke(5)", "the id of a lease must be a string, not a number"],
    ['c:revoke("x")', "the id of a lease is a string of digits, as grant returns it"],
    ["c:time_to_live()", "the id of a lease must be a string, not a nil"],
    ["c:status(5)", "the endpoint must be a string, not a number"],
  ])("%s", async (call, sentence) => {
    const [ok, code, message] = await run(`return ${call}`);
    expect([ok, code]).toEqual([false, -10]);
    expect(message).toContain(sentence);
  });

  it.each([
    ["c:watch()", "the options must be a table, not a nil"],
    ["c:watch{}", 'the option "key" is missing'],
    ["c:watch{ key = 5 }", 'the option "key" must be a string, not number 5'],
    ['c:watch{ key = "a", filter = 1 }', 'there is no option "filter"; the options are: filters, key'],
    ['c:watch{ key = "a", filters = { "put" } }', 'the option "filters" must be a list of "noput", "nodelete"'],
    ['c:watch{ key = "a", prefix = true, range_end = "b" }', '"prefix" and "range_end" exclude each other'],
    ["c:keep_alive(5)", "the id of a lease must be a string, not a number"],
    ["c:lock()", "the name must be a string, not a nil"],
    ['c:lock("x", { ttl = "1" })', 'the option "ttl" must be a whole number from 1'],
  ])("%s", async (call, sentence) => {
    const [watch, code, message] = await run(`return ${call}`);
    expect([watch, code]).toEqual([null, -10]);
    expect(message).toContain(sentence);
  });

  it.each([
    ['c:get("")', 3, "etcdserver: key is not provided"],
    ['c:put("", "x")', 3, "etcdserver: key is not provided"],
    ['c:put("x", "y", { lease = "5" })', 5, "etcdserver: requested lease not found"],
    ['c:put("never there", nil, { ignore_value = true })', 3, "etcdserver: key not found"],
    ["c:compact(1000000)", 11, "etcdserver: mvcc: required revision is a future revision"],
  ])("etcd refuses %s", async (call, code, message) => {
    expect(await run(`return ${call}`)).toEqual([false, code, message]);
  });

  it("a client that was closed takes no calls", async () => {
    expect(await run('local n = client() n:close() return n:get("x")')).toEqual([false, -10, "this client is closed"]);
  });

  it("set-up comes before the first use, and its options are checked", async () => {
    expect(await run("return etcd.setup{ isolate = true }")).toEqual([
      null,
      '"ffi_etcd" is loaded: set it up before its first use, as in init_worker_by_lua',
    ]);
  });
});

it("works in timers, and objects are made in any phase", async () => {
  expect(
    await run(`
      local done
      ngx.timer.at(0, function() done = { c:put("timer", "1") } end)
      wait_until("the timer", function() return done end)
      return done[1]`),
  ).toEqual([true]);
});
