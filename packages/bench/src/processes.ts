import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

const TICKS_PER_SECOND = 100;

interface Process {
  pid: number;
  parent: number;
  cpuSeconds: number;
}

function list(): Process[] {
  const found: Process[] = [];
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const ticks = Number(fields[11]) + Number(fields[12]);
      found.push({ pid: Number(entry), parent: Number(fields[1]), cpuSeconds: ticks / TICKS_PER_SECOND });
    } catch {
      // It ended in the meantime.
    }
  }
  return found;
}

/** A process and all below it. */
export function family(root: number): Process[] {
  const all = list();
  const members = all.filter(({ pid }) => pid === root);
  for (const member of members) members.push(...all.filter(({ parent }) => parent === member.pid));
  return members;
}

/** The CPU time that these processes have used, in µs. */
export function cpuUs(pids: number[]): number {
  return pids.flatMap(family).reduce((sum, { cpuSeconds }) => sum + cpuSeconds * 1e6, 0);
}

/**
 * The resident memory in MB of all below these processes: what each has for itself, and its share of what several map
 * (PSS). Not of themselves: nginx's master does not grow with what its workers load.
 */
export function residentMb(roots: number[]): number {
  let kb = 0;
  for (const { pid } of roots.flatMap(family).filter((member) => !roots.includes(member.pid))) {
    try {
      kb += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
    } catch {
      // It ended in the meantime.
    }
  }
  return kb / 1024;
}

/** Binds all threads of these processes to the first core, or to all. */
export function pin(pids: number[], pinned: boolean): void {
  const cores = pinned ? "0" : `0-${availableParallelism() - 1}`;
  for (const { pid } of pids.flatMap(family)) {
    try {
      execFileSync("taskset", ["-a", "-c", "-p", cores, String(pid)], { stdio: "ignore" });
    } catch {
      // It ended in the meantime.
    }
  }
}
