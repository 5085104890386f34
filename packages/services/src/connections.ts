import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** The state ESTABLISHED in /proc/net/tcp. */
const ESTABLISHED = "01";

/** Counts the connections from this machine to the port of `address`; with `pids`, only those of these processes. */
export function connectionsTo(address: string, pids?: readonly number[]): number {
  const port = Number(address.split(":")[1]).toString(16).toUpperCase().padStart(4, "0");
  const sockets = pids && new Set(pids.flatMap(socketsOf));
  return ["/proc/net/tcp", "/proc/net/tcp6"]
    .flatMap((file) => readFileSync(file, "utf8").trim().split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , remote, state]) => remote?.endsWith(`:${port}`) && state === ESTABLISHED)
    .filter((columns) => !sockets || sockets.has(columns[9] as string)).length;
}

/** The numbers of the sockets of a process, as in /proc/net/tcp. */
function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => socketAt(`/proc/${pid}/fd/${fd}`));
  } catch {
    return []; // it has ended
  }
}

function socketAt(link: string): string[] {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.slice(1) ?? [];
  } catch {
    return []; // closed since it was listed
  }
}
