import { readdirSync, readFileSync } from "node:fs";
import { family } from "./tree.ts";

/** Resident memory in MB. */
export function resident(pid: number): number {
  return megabytes(pid, "status", "VmRSS");
}

/** Resident memory without files and without memory that is shared with other processes, in MB. */
export function ownMemory(pid: number): number {
  return megabytes(pid, "status", "RssAnon");
}

/** What a process has for itself and its share of what several processes map (PSS), in MB. */
export function proportionalMemory(pid: number): number {
  return megabytes(pid, "smaps_rollup", "Pss");
}

function megabytes(pid: number, file: string, field: string): number {
  const text = readFileSync(`/proc/${pid}/${file}`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) / 1024;
}

/** CPU time that a process and its descendants have used. */
export function cpuSeconds(pid: number): number {
  return family(pid).reduce((sum, process) => sum + process.cpuSeconds, 0);
}

/** How many descriptors are open. */
export function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** How many threads there are. */
export function threads(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).length;
}

/** The names of the threads that belong to a runtime. */
export function runtimeThreads(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`)
    .map((thread) => nameOf(pid, thread))
    .filter((name) => name.startsWith("ffi-"));
}

function nameOf(pid: number, thread: string): string {
  try {
    return readFileSync(`/proc/${pid}/task/${thread}/comm`, "utf8").trim();
  } catch {
    return ""; // the thread has ended
  }
}
