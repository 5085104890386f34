import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** The processes that this one started. */
export function children(pid: number): number[] {
  const task = `/proc/${pid}/task`;
  for (let times = 0; times < 100 && existsSync(task); times++) {
    try {
      return readdirSync(task).flatMap((thread) => {
        const text = readFileSync(`${task}/${thread}/children`, "utf8").trim();
        return text ? text.split(" ").map(Number) : [];
      });
    } catch {
      // A thread ended meanwhile, and what it started is another one's now: once more.
    }
  }
  return []; // it has ended
}

/** They, and those that they started; each before its own. */
export function descendants(pid: number): number[] {
  return children(pid).flatMap((child) => [child, ...descendants(child)]);
}

/** Whether a process is gone; one that nobody has waited for yet counts as gone. */
export function ended(pid: number): boolean {
  try {
    return /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}

/** Stops a process and waits until all its threads stand still: one that is awake goes on for a moment. */
export async function stop(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  while (!ended(pid) && !standsStill(pid)) await delay(1);
}

function standsStill(pid: number): boolean {
  const task = `/proc/${pid}/task`;
  try {
    return readdirSync(task).every((thread) => /^State:\s+T/m.test(readFileSync(`${task}/${thread}/status`, "utf8")));
  } catch {
    return false; // a thread ended while it was looked at
  }
}

/** Resident memory in MB. */
export function resident(pid: number): number {
  return memory(pid, "VmRSS");
}

/** Of it what the process holds for itself, without files and memory that it shares, in MB. */
export function ownMemory(pid: number): number {
  return memory(pid, "RssAnon");
}

function memory(pid: number, which: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${which}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
}

/** The variables that a process was started with. */
export function environmentOf(pid: number): Record<string, string> {
  const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(Boolean);
  return Object.fromEntries(variables.map((variable) => variable.split(/=(.*)/s).slice(0, 2)));
}

/** Open descriptors. */
export function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Threads whose names say that they are a runtime's. */
export function runtimeThreads(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`)
    .map((thread) => nameOf(pid, thread))
    .filter((name) => name.startsWith("ffi-"));
}

function nameOf(pid: number, thread: string): string {
  try {
    return readFileSync(`/proc/${pid}/task/${thread}/comm`, "utf8").trim();
  } catch {
    return ""; // it ended while it was looked at
  }
}
