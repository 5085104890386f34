import { execFileSync } from "node:child_process";
import type { Cell, Sample } from "./cell.ts";
import { pinnedCommand } from "./pinning.ts";

/** Two threads that wake each other: the lower bound of a call. `program` is native/dist/bin/floor. */
export function floorCell(program: string): Cell {
  let prefix: string[] = [];
  return {
    what: "floor",
    host: "c",
    takes: (bytes, inFlight) => bytes === 64 && inFlight === 1,
    pin: (pinned) => {
      prefix = pinnedCommand(pinned);
    },
    rssMb: () => 0,
    stop: async () => {},
    measure: async (_bytes, _inFlight, seconds) => {
      const [file = program, ...args] = [...prefix, program, String(seconds)];
      return JSON.parse(execFileSync(file, args, { encoding: "utf8" })) as Sample;
    },
  };
}
