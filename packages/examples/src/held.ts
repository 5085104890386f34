import { readdirSync, readFileSync } from "node:fs";
import { descendants } from "@resty-ffi/scripts/processes";

/** Threads of this process. */
export function threads(): number {
  return readdirSync("/proc/self/task").length;
}

/** Processes that this one has started, and those that they have. */
export function processes(): { pid: number; command: string }[] {
  return descendants(process.pid).map((pid) => ({ pid, command: commandOf(pid) }));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").slice(0, 100);
  } catch {
    return "(ended)";
  }
}
