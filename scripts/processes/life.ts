import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type Process, processOf } from "./process.ts";

/** Whether a process is gone. A process that its parent has not reaped yet counts as gone. */
export function ended(pid: number): boolean {
  const now = processOf(pid);
  return now === undefined || isDead(now);
}

/** The pids of the processes that still run after `graceMs`. Returns as soon as all have ended. */
export async function survivors(of: Process[], graceMs: number): Promise<number[]> {
  const end = Date.now() + graceMs;
  for (;;) {
    const left = of.filter(stillRuns).map(({ pid }) => pid);
    if (left.length === 0 || Date.now() > end) return left;
    await delay(20);
  }
}

/** Stops a process and waits until all its threads stand still: a running thread goes on for a moment. */
export async function stop(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  while (!ended(pid) && !standsStill(pid)) await delay(1);
}

function stillRuns({ pid, started }: Process): boolean {
  const now = processOf(pid);
  return now !== undefined && now.started === started && !isDead(now);
}

function isDead({ state }: Process): boolean {
  return state === "Z" || state === "X";
}

function standsStill(pid: number): boolean {
  const task = `/proc/${pid}/task`;
  try {
    return readdirSync(task).every((thread) => /^State:\s+T/m.test(readFileSync(`${task}/${thread}/status`, "utf8")));
  } catch {
    return false; // a thread ended between the two looks
  }
}
