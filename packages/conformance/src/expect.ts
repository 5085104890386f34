import { expect } from "vitest";
import type { Answer, Loaded } from "./host.js";

/** The body of an answer that must be one. */
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

export async function pidOf(rt: Loaded): Promise<number> {
  const { pid } = JSON.parse(await text(rt, "lang")) as { pid: number };
  expect(pid).toBeGreaterThan(1);
  return pid;
}
