import { cpuSeconds, descendants, proportionalMemory } from "@resty-ffi/scripts/processes";
import type { Cell, Sample } from "./cell.ts";
import { get, startMeasuring } from "./nginx.ts";
import { pin } from "./pinning.ts";

/** What the CPU time of a measurement covers beside what is counted: the warm-up of lua/measure.lua. */
const WARM_UP_SECONDS = 0.1;

/** What {@link nginxCell} needs to know. */
export interface InNginx {
  what: string;
  /** The Lua expression for the function to measure: see lua/what.lua. */
  expression: string;
  luaPath: string;
  env: Record<string, string>;
  /** A server that works for this cell alone: its CPU time counts, and it is pinned too. */
  server?: { pid: number; http: string };
}

/** An nginx that measures what the Lua expression gives. */
export async function nginxCell({ what, expression, luaPath, env, server }: InNginx): Promise<Cell> {
  const nginx = await startMeasuring({
    what: expression,
    luaPath,
    env,
    ...(server && { upstream: server.http }),
  });
  const pids = [nginx.pid, ...(server ? [server.pid] : [])];
  const cpuUs = () => pids.reduce((sum, pid) => sum + cpuSeconds(pid) * 1e6, 0);
  return {
    what,
    host: "nginx",
    takes: () => true,
    pin: (pinned) => pin(pids, pinned),
    // Without the master: it does not grow with what its workers load.
    rssMb: () => descendants(nginx.pid).reduce((sum, pid) => sum + memoryOf(pid), 0),
    stop: () => nginx.stop(),
    measure: async (bytes, inFlight, seconds) => {
      const before = cpuUs();
      const query = `in_flight=${inFlight}&bytes=${bytes}&seconds=${seconds}`;
      const sample = JSON.parse(await get(nginx, `/measure?${query}`)) as Sample;
      // As many calls per second are made during the warm-up as later.
      const share = sample.seconds / (sample.seconds + WARM_UP_SECONDS);
      return { ...sample, cpu_us: (cpuUs() - before) * share };
    },
  };
}

function memoryOf(pid: number): number {
  try {
    return proportionalMemory(pid);
  } catch {
    return 0; // it has ended since it was listed
  }
}
