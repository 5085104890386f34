import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** TCP's ESTABLISHED in /proc/net/tcp. */
const ESTABLISHED = "01";

/** Connections of clients on this machine to that port of it; of these processes, if they are given. */
export function connectionsTo(address: string, pids?: readonly number[]): number {
  const port = Number(address.split(":")[1]).toString(16).toUpperCase().padStart(4, "0");
  const sockets = pids && new Set(pids.flatMap(socketsOf));
  return ["/proc/net/tcp", "/proc/net/tcp6"]
    .flatMap((file) => readFileSync(file, "utf8").trim().split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , remote, state]) => remote?.endsWith(`:${port}`) && state === ESTABLISHED)
    .filter((columns) => !sockets || sockets.has(columns[9] as string)).length;
}

/** Their numbers, as /proc/net/tcp has them. */
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
    return []; // closed meanwhile
  }
}
