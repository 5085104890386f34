import { describe, expect, test } from "vitest";
import { type Service, startEtcd } from "../src/index.ts";
import { livesAndDies } from "./life.ts";

async function ask(etcd: Service, path: string, body: object, token?: string) {
  const answer = await fetch(`http://${etcd.address}/v3/${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: token ? { Authorization: token } : {},
  });
  return (await answer.json()) as { count?: string; token?: string; code?: number };
}

const key = btoa("key");

livesAndDies(startEtcd, {
  store: async (etcd) => {
    await ask(etcd, "kv/put", { key, value: btoa("value") });
  },
  has: async (etcd) => (await ask(etcd, "kv/range", { key })).count === "1",
});

test("a port that is taken is refused", async () => {
  const first = await startEtcd();
  const port = Number(first.address.split(":")[1]);
  await expect(startEtcd({ port })).rejects.toThrow(`Something listens on 127.0.0.1:${port} already`);
  await first.stop();
});

describe("with authentication", () => {
  test("it asks for the password, also after a restart", async () => {
    const etcd = await startEtcd({ auth: { user: "root", password: "secret" } });
    try {
      for (let round = 0; round < 2; round++) {
        expect(await ask(etcd, "kv/range", { key })).toMatchObject({ code: 3 });
        expect(await ask(etcd, "auth/authenticate", { name: "root", password: "wrong" })).toMatchObject({ code: 3 });
        const { token } = await ask(etcd, "auth/authenticate", { name: "root", password: "secret" });
        expect(await ask(etcd, "kv/range", { key }, token)).not.toHaveProperty("code");
        await etcd.restart();
      }
    } finally {
      await etcd.stop();
    }
  });
});
