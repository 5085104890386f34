import { readdirSync, readFileSync } from "node:fs";

/** The unit of the times in /proc: USER_HZ, the same on every architecture that Node.js runs on. */
const TICKS_PER_SECOND = 100;

/** What /proc says of a process. A pid is used again; together with the start time it is not. */
export interface Process {
  pid: number;
  parent: number;
  /** One letter, such as R, S, T, Z. */
  state: string;
  /** Clock ticks since the machine started. */
  started: number;
  /** CPU time of all its threads. */
  cpuSeconds: number;
}

/** Returns undefined when the process is gone. */
export function processOf(pid: number): Process | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // The name, in parentheses, may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    pid,
    parent: Number(fields[1]),
    state: fields[0] ?? "",
    started: Number(fields[19]),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
  };
}

/** All processes of the machine. */
export function processes(): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processOf(Number(name)))
    .filter((found) => found !== undefined);
}
