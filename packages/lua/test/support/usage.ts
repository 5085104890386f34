import { readdirSync, readFileSync } from "node:fs";

/** What a process holds: threads, descriptors, resident kilobytes. */
export function usageOf(pid: number | string): { threads: number; fds: number; kb: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const number = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return { threads: number("Threads"), fds: readdirSync(`/proc/${pid}/fd`).length, kb: number("VmRSS") };
}
