import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { Answer, Loaded } from "./host.js";

/** The body of an answer. Fails if the call failed. */
export function body(answer: Answer): Buffer {
  if (!answer.ok) throw new Error(`The call failed with ${answer.code}: ${answer.message}`);
  if (answer.body === null) throw new Error("The answer was nil.");
  return answer.body;
}

export async function text(
  rt: Loaded,
  method: string,
  request?: Buffer | string | null,
  timeout?: number,
): Promise<string> {
  return body(await rt.call(method, request, timeout === undefined ? undefined : { timeout })).toString();
}

/** A counter of the runtime, read after earlier cancellations have been counted. */
export async function settled(rt: Loaded, counter: string): Promise<number> {
  let before: string;
  let now = await text(rt, counter);
  do {
    before = now;
    await delay(150);
    now = await text(rt, counter);
  } while (now !== before);
  return Number(now);
}

export async function pidOf(rt: Loaded): Promise<number> {
  const { pid } = JSON.parse(await text(rt, "lang")) as { pid: number };
  expect(pid).toBeGreaterThan(1);
  return pid;
}
