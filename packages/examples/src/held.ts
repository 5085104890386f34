import { readdirSync, readFileSync } from "node:fs";

/** TCP's ESTABLISHED in /proc/net/tcp. */
const ESTABLISHED = "01";

/** Connections of clients on this machine to that port of it. */
export function connectionsTo(address: string): number {
  const port = Number(address.split(":")[1]).toString(16).toUpperCase().padStart(4, "0");
  return ["/proc/net/tcp", "/proc/net/tcp6"]
    .flatMap((file) => readFileSync(file, "utf8").trim().split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , remote, state]) => remote?.endsWith(`:${port}`) && state === ESTABLISHED).length;
}

/** Threads of this process. */
export function threads(): number {
  return readdirSync("/proc/self/task").length;
}

/** Processes that this one has started, and those that they have: "pid command". */
export function processes(pid: number | "self" = "self"): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").trim().split(" "))
      .filter((child) => child !== "")
      .flatMap((child) => [`${child} ${commandOf(child)}`, ...processes(Number(child))]);
  } catch {
    return []; // It has ended meanwhile.
  }
}

function commandOf(pid: string): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").slice(0, 100);
}
