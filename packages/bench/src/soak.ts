import type { Cell } from "./cell.ts";

const IN_FLIGHT = 64;
const SLICE_SECONDS = 10;

/** The memory of one cell over the soak. */
export interface Soak {
  what: string;
  calls: number;
  /** The median of the resident memory in the second and in the last third of the time, in MB. */
  middleMb: number;
  endMb: number;
  flat: boolean;
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

async function soakCell(cell: Cell, end: number, progress: () => void): Promise<Soak> {
  const memory: number[] = [];
  let calls = 0;
  while (Date.now() < end) {
    const seconds = Math.min(SLICE_SECONDS, Math.max(1, (end - Date.now()) / 1000));
    calls += (await cell.measure(64 + (memory.length % 3) * 4000, IN_FLIGHT, seconds)).calls;
    memory.push(cell.rssMb());
    progress();
  }
  const third = Math.floor(memory.length / 3);
  const middleMb = median(memory.slice(third, 2 * third));
  const endMb = median(memory.slice(2 * third));
  // The memory of garbage collectors varies: 5 % and 2 MB are not a trend.
  return { what: cell.what, calls, middleMb, endMb, flat: endMb <= middleMb * 1.05 + 2 };
}

/** Keeps 64 calls in flight in all cells at once for `minutes`, and watches their memory. */
export async function soak(cells: Cell[], minutes: number, progress: (text: string) => void): Promise<Soak[]> {
  const start = Date.now();
  const end = start + minutes * 60_000;
  const tell = (): void => progress(`${((Date.now() - start) / 60_000).toFixed(1)} of ${minutes} min`);
  const subjects = cells.filter((cell) => cell.takes(64, IN_FLIGHT));
  return Promise.all(subjects.map((cell) => soakCell(cell, end, tell)));
}

/** The result as a text table. */
export function soakTable(results: Soak[]): string {
  const lines = results.map(
    ({ what, calls, middleMb, endMb, flat }) =>
      `${what.padEnd(16)} ${calls.toLocaleString("en").padStart(14)} ${middleMb.toFixed(1).padStart(10)} ` +
      `${endMb.toFixed(1).padStart(10)}  ${flat ? "flat" : "GROWS"}`,
  );
  return [
    `${"what".padEnd(16)} ${"calls".padStart(14)} ${"middle MB".padStart(10)} ${"end MB".padStart(10)}`,
    ...lines,
  ].join("\n");
}
