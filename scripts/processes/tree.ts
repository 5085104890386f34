import { type Process, processes } from "./process.ts";

/** The processes that this one started, the oldest first. Includes those that have ended and are not reaped yet. */
export function children(pid: number): number[] {
  return childrenIn(processes(), pid).map((child) => child.pid);
}

/** The children, and the processes that these started; each process comes before its own children. */
export function descendants(pid: number): number[] {
  return below(processes(), pid).map((process) => process.pid);
}

/** The process itself and its descendants. */
export function family(pid: number): Process[] {
  const all = processes();
  return [...all.filter((process) => process.pid === pid), ...below(all, pid)];
}

function below(all: Process[], pid: number): Process[] {
  return childrenIn(all, pid).flatMap((child) => [child, ...below(all, child.pid)]);
}

function childrenIn(all: Process[], pid: number): Process[] {
  return all.filter(({ parent }) => parent === pid).sort((a, b) => a.started - b.started || a.pid - b.pid);
}
