import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { ended, folderOf } from "@resty-ffi/scripts/processes";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Service } from "../src/index.ts";

/** How a server is asked. */
interface Asked<T> {
  /** Stores something; rejects if the server is down. */
  store(service: T): Promise<void>;
  /** Whether it is there; rejects if the server is down. */
  has(service: T): Promise<boolean>;
}

/** What any server does: it is killed, comes back with what it has stored, stands still, and is gone after stop. */
export function livesAndDies<T extends Service>(start: () => Promise<T>, { store, has }: Asked<T>): () => T {
  let service: T;
  beforeAll(async () => {
    service = await start();
  });
  afterAll(() => service?.stop());

  test("it is killed, and back on its address with its data", async () => {
    const { address, pid } = service;
    await store(service);
    expect(await has(service)).toBe(true);
    await service.kill();
    expect(ended(pid)).toBe(true);
    await expect(has(service)).rejects.toThrow();
    await service.kill();
    await service.restart();
    expect(service.address).toBe(address);
    expect(service.pid).not.toBe(pid);
    expect(await has(service)).toBe(true);
  });

  test("it stands still between pause and resume", async () => {
    await service.pause();
    const answer = has(service);
    expect(await Promise.race([answer, delay(200, "nothing")])).toBe("nothing");
    service.resume();
    expect(await answer).toBe(true);
  });

  test("it is gone after stop, with its folder", async () => {
    const other = await start();
    const { pid } = other;
    const folder = folderOf(pid);
    expect(existsSync(folder)).toBe(true);
    await other.stop();
    expect(ended(pid)).toBe(true);
    expect(existsSync(folder)).toBe(false);
    await other.stop();
  });

  return () => service;
}
