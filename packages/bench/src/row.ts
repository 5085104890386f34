import type { Sample } from "./cell.ts";

/** One line of the result: a cell with its parameters. `--json` writes it unchanged. */
export interface Row {
  what: string;
  host: string;
  bytes: number;
  in_flight: number;
  pinned: boolean;
  us_per_call: number;
  /** Half the distance between the slowest and the fastest round, in percent of the median. */
  spread_percent: number;
  p50_us: number;
  p99_us: number;
  calls_per_s: number;
  cpu_us_per_call: number;
  rss_mb: number;
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/** The medians over the rounds. `us_per_call` is time divided by calls: with 64 in flight it is not a latency. */
export function rowOf(
  key: Pick<Row, "what" | "host" | "bytes" | "in_flight" | "pinned">,
  samples: Sample[],
  rssMb: number,
): Row {
  const us = samples.map(({ seconds, calls }) => (seconds * 1e6) / calls);
  const middle = median(us);
  return {
    ...key,
    us_per_call: round(middle, 2),
    spread_percent: round(((Math.max(...us) - Math.min(...us)) / 2 / middle) * 100, 0),
    p50_us: median(samples.map(({ p50_us }) => p50_us)),
    p99_us: median(samples.map(({ p99_us }) => p99_us)),
    calls_per_s: Math.round(1e6 / middle),
    cpu_us_per_call: round(median(samples.map(({ cpu_us, calls }) => cpu_us / calls)), 2),
    rss_mb: round(rssMb, 1),
  };
}

export function sizeName(bytes: number): string {
  return bytes >= 1024 ? `${bytes / 1024} KB` : `${bytes} B`;
}
