import { connectionsTo, type Service, startEtcdCluster } from "@resty-ffi/services";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type EtcdLua, SOON, startEtcdLua } from "./support/etcd.ts";

let members: Service[];
let nginx: EtcdLua;
beforeAll(async () => {
  members = await startEtcdCluster(3);
  nginx = await startEtcdLua(members[0]?.address ?? "");
});
afterAll(async () => {
  await nginx?.lua.stop();
  for (const member of members ?? []) await member.stop();
});

const all = () => `endpoints = { ${members.map(({ address }) => `"${address}"`).join(", ")} }`;

it("calls go to all endpoints, over a connection to each", async () => {
  const before = members.map(({ address }) => connectionsTo(address));
  const [fine] = await nginx.run(`
    local n, fine = client{ ${all()} }, 0
    for k = 1, 30 do fine = fine + (n:put("k" .. k, "", { timeout = 10 }) and 1 or 0) end
    return fine`);
  expect(fine).toBe(30);
  members.forEach(({ address }, k) => {
    expect(connectionsTo(address)).toBeGreaterThan(before[k] ?? 0);
  });
});

it("auto_sync_interval finds the members that were not named", async () => {
  const [found, id] = await nginx.run(`
    local n = client{ endpoints = { "${members[0]?.address}" }, auto_sync_interval = 0.2 }
    local found
    wait_until("all members", function() found = select(2, n:endpoints()) return #found == 3 end)
    return found, #select(2, n:members())`);
  expect(found.sort()).toEqual(members.map(({ address }) => `http://${address}`).sort());
  expect(id).toBe(3);
});

it("the leader may be killed: calls, a watch and a lock go on with the others", async () => {
  const [leader] = await nginx.run(`
    local n = client{ ${all()} }
    for _, endpoint in ipairs({ ${members.map(({ address }) => `"${address}"`).join(", ")} }) do
      local ok, status = n:status(endpoint)
      if ok and status.leader == status.member_id then return endpoint end
    end`);
  const killed = members.find(({ address }) => address === leader);
  expect(killed).toBeDefined();
  const chunk = nginx.run(`
    local progress = {}
    package.loaded.leader = progress
    return require("scenarios.etcd_leader")(client{ ${all()} }, progress)`);
  await nginx.run(`
    wait_until("the lock", function() return package.loaded.leader and package.loaded.leader.locked end)
    return true`);
  await killed?.kill();
  await nginx.run("package.loaded.leader.killed = true return true");
  const [lost, twice, longest, held, unlocked] = await chunk;
  expect([lost, twice, held, unlocked]).toEqual([0, 0, true, true]);
  expect(longest).toBeLessThan(4);
  await killed?.restart();
  await expect.poll(() => connectionsTo(killed?.address ?? ""), SOON).toBeGreaterThan(0);
});
