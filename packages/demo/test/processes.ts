import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** A process that once was: pids are used again, pid and start time together are not. */
interface Process {
  pid: number;
  parent: number;
  started: string;
}

function read(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return undefined;
    return { pid, parent: Number(fields[1]), started: fields[19] ?? "" };
  } catch {
    return undefined;
  }
}

/** The process itself and all that descend from it, now. */
export function family(root: number): Process[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => read(Number(name)))
    .filter((found) => found !== undefined);
  const found = all.filter(({ pid }) => pid === root);
  for (const member of found) found.push(...all.filter(({ parent }) => parent === member.pid));
  return found;
}

/** The pids of those that still run after `graceMs`; returns as soon as there are none. */
export async function survivors(of: Process[], graceMs: number): Promise<number[]> {
  const end = Date.now() + graceMs;
  for (;;) {
    const left = of.filter(({ pid, started }) => read(pid)?.started === started).map(({ pid }) => pid);
    if (left.length === 0 || Date.now() > end) return left;
    await sleep(20);
  }
}
