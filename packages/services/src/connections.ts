import { readFileSync } from "node:fs";

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
