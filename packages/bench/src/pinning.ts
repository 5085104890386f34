import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { family } from "@resty-ffi/scripts/processes";

/** Binds all threads of these processes and of their descendants to the first core, or to all cores. */
export function pin(pids: number[], pinned: boolean): void {
  const cores = pinned ? "0" : `0-${availableParallelism() - 1}`;
  for (const { pid } of pids.flatMap(family)) {
    try {
      execFileSync("taskset", ["-a", "-c", "-p", cores, String(pid)], { stdio: "ignore" });
    } catch {
      // The process has ended since it was listed.
    }
  }
}

/** The words before a command that start it on the first core, or on all cores. */
export function pinnedCommand(pinned: boolean): string[] {
  return pinned ? ["taskset", "-c", "0"] : [];
}
