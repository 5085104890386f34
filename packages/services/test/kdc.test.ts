import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { type Kdc, startKdc } from "../src/index.ts";
import { livesAndDies } from "./life.ts";

/** Logs in by a keytab, and forgets it. */
async function login({ config }: Kdc, keytab: string, principal: string): Promise<void> {
  const env = { ...process.env, KRB5_CONFIG: config, KRB5CCNAME: "MEMORY:test" };
  await promisify(execFile)("kinit", ["-k", "-t", keytab, principal], { env, timeout: 20_000 });
}

let keytab = "";
const kdc = livesAndDies(startKdc, {
  store: async (service) => {
    await service.add("stored");
    keytab = await service.keytab("stored");
    await login(service, keytab, "stored");
  },
  has: async (service) => {
    await login(service, keytab, "stored");
    return true;
  },
});

test("it knows only the principals that were added", async () => {
  await expect(login(kdc(), keytab, "nobody")).rejects.toThrow(/nobody/);
  await kdc().add("kafka/127.0.0.1");
  expect(existsSync(await kdc().keytab("kafka/127.0.0.1"))).toBe(true);
  await expect(kdc().keytab("nobody")).rejects.toThrow(/Principal nobody.* does not exist/);
});
