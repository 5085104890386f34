import { descendants } from "@resty-ffi/scripts/processes";

/** Runs `load` and tells which processes it started: the runner's first, then the runtime's. */
export async function started<T>(load: () => Promise<T>): Promise<{ value: T; pids: number[] }> {
  const before = new Set(descendants(process.pid));
  const value = await load();
  return { value, pids: descendants(process.pid).filter((pid) => !before.has(pid)) };
}
