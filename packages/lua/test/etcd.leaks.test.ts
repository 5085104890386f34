import { connectionsTo, type Service, startEtcd } from "@resty-ffi/services";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type EtcdLua, SOON, startEtcdLua } from "./support/etcd.ts";
import { usageOf } from "./support/usage.ts";

let etcd: Service;
let nginx: EtcdLua;
let worker: number;
/** Connections that etcd has with itself. */
let own: number;
beforeAll(async () => {
  etcd = await startEtcd();
  own = connectionsTo(etcd.address);
  nginx = await startEtcdLua(etcd.address);
  worker = (await nginx.run("return ngx.worker.pid()"))[0] as number;
});
afterAll(async () => {
  await nginx?.lua.stop();
  await etcd?.stop();
});

/** Makes clients with options of their own in 50 light threads, uses each once, and drops it. */
const drop = (name: string, count: number) =>
  nginx.run(`
    local threads, failed = {}, {}
    for t = 1, 50 do threads[t] = ngx.thread.spawn(function()
      for k = 1, ${count} / 50 do
        local n = client{ namespace = "${name}" .. t .. "/" .. k .. "/", idle_timeout = 0.05 }
        local ok, res, err = n:get("x", { timeout = 20 })
        if not ok then failed[#failed + 1] = err end
      end
    end) end
    for t = 1, 50 do assert(ngx.thread.wait(threads[t])) end
    collectgarbage()
    return failed`);

it("10,000 clients that are dropped leave no connection, no thread, no memory", async () => {
  expect(await drop("warm", 2000)).toEqual([{}]);
  await expect.poll(() => connectionsTo(etcd.address), SOON).toBeLessThanOrEqual(own);
  const before = usageOf(worker);
  expect(await drop("drop", 10_000)).toEqual([{}]);
  await expect.poll(() => connectionsTo(etcd.address), SOON).toBeLessThanOrEqual(own);
  const after = usageOf(worker);
  expect(after.threads - before.threads).toBeLessThan(40); // Go's own pool; a leak would be of hundreds
  expect((after.kb - before.kb) / 1024).toBeLessThan(25);
});

it("watches, leases and locks that are dropped end with the request, and let the client go", async () => {
  const before = usageOf(worker);
  for (let round = 0; round < 20; round++) {
    await nginx.run(`
      local n = client{ idle_timeout = 0.05 }
      local _, lease = n:grant(60)
      for k = 1, 20 do
        assert(n:watch{ key = "dropped", prefix = true })
        assert(n:keep_alive(lease.id))
        assert(n:lock("dropped/" .. k, { ttl = 60 }))
      end
      return true`);
  }
  await expect.poll(() => connectionsTo(etcd.address), SOON).toBeLessThanOrEqual(own);
  const [locks] = await nginx.run('return select(2, c:get("dropped/", { prefix = true })).count');
  expect(locks).toBe(0);
  const after = usageOf(worker);
  expect(after.threads - before.threads).toBeLessThan(40); // Go's own pool; a leak would be of hundreds
  expect((after.kb - before.kb) / 1024).toBeLessThan(25);
});
