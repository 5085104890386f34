import { descriptors, resident, threads } from "@resty-ffi/scripts/processes";

/** What a process holds: threads, descriptors, resident kilobytes. */
export function usageOf(pid: number | string): { threads: number; fds: number; kb: number } {
  const process = Number(pid);
  return { threads: threads(process), fds: descriptors(process), kb: resident(process) * 1024 };
}
