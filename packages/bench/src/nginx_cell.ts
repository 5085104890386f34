import { cpuSeconds, descendants, proportionalMemory } from "@resty-ffi/scripts/processes";
import type { Cell, Sample } from "./cell.ts";
import { get, startMeasuring } from "./nginx.ts";
import { pin } from "./pinning.ts";

/** The warm-up of lua/measure.lua: its calls are not counted, but its CPU time is. */
const WARM_UP_SECONDS = 0.1;

/** The arguments of {@link nginxCell}. */
export interface InNginx {
  what: string;
  /** The Lua expression whose value is the function to measure: see lua/what.lua. */
  expression: string;
  luaPath: string;
  env: Record<string, string>;
  /** A server of this cell alone. Its CPU time counts, and it is pinned too. */
  server?: { pid: number; http: string };
}

/** Starts an nginx that measures the value of the Lua expression. */
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
      // The warm-up makes as many calls per second as the measurement.
      const share = sample.seconds / (sample.seconds + WARM_UP_SECONDS);
      return { ...sample, cpu_us: (cpuUs() - before) * share };
    },
  };
}

function memoryOf(pid: number): number {
  try {
    return proportionalMemory(pid);
  } catch {
    return 0; // the process has ended since it was listed
  }
}
