import { availableParallelism, cpus, release } from "node:os";
import type { Row } from "./row.ts";

const HEAD = [
  "what",
  "µs/call",
  "±",
  "p50 µs",
  "p99 µs",
  "calls/s",
  "CPU µs/call",
  "RSS MB",
  "÷ floor",
  "÷ (floor + no-hop)",
  "unix socket ÷ this",
];

function ratio(above: number | undefined, below: number | undefined): string {
  return above === undefined || !below ? "–" : (above / below).toFixed(2);
}

function table(rows: Row[], floor: Row | undefined): string {
  const find = (what: string): Row | undefined => rows.find((row) => row.what === what);
  const noHop = find("no-hop");
  const socket = find("unix-socket");
  const single = rows[0]?.in_flight === 1;
  const lines = rows.map((row) => {
    const ground = single && floor ? floor.us_per_call : undefined;
    return [
      row.what,
      row.us_per_call.toFixed(2),
      `${row.spread_percent} %`,
      row.p50_us.toFixed(1),
      row.p99_us.toFixed(1),
      row.calls_per_s.toLocaleString("en"),
      row.cpu_us_per_call.toFixed(2),
      row.rss_mb ? row.rss_mb.toFixed(1) : "–",
      ground === undefined ? "–" : ratio(row.us_per_call, ground),
      ground === undefined || !noHop ? "–" : ratio(row.us_per_call, ground + noHop.us_per_call),
      ratio(socket?.us_per_call, row.us_per_call),
    ];
  });
  return [HEAD, HEAD.map((_, column) => (column ? "--:" : "---")), ...lines]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

function size(bytes: number): string {
  return bytes >= 1024 ? `${bytes / 1024} KB` : `${bytes} B`;
}

/** docs/benchmarks.md. */
export function report(rows: Row[], rounds: number, seconds: number): string {
  const parts = [
    "# Benchmarks",
    "",
    "Made by `npm run bench`; do not edit. Ratios within one run are what to trust: absolute figures are of one machine.",
    "",
    `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? "unknown"}), Linux ${release()}, ` +
      `medians of ${rounds} interleaved rounds of ${seconds} s; ± is half the range between rounds.`,
    "",
    "- **floor**: two threads wake each other, futex one way, eventfd and epoll the other; nothing is carried.",
    "- **no-hop**: Lua, queue, semaphore and event loop; the call is answered on the event loop's own thread.",
    "- **LANGUAGE/TRANSPORT**: `rt:echo(payload)` from a content handler; each has an nginx of its own with one worker.",
    "- **unix-socket**: a Lua cosocket with keepalive to an echo server in Go. **proxy_pass**: a subrequest that nginx",
    "  proxies with keepalive to an HTTP server in Go, on a unix socket.",
    "- µs/call is time ÷ calls: with 64 in flight a share of the time, not a latency. p50 and p99 are latencies.",
    "- CPU covers the worker, its child processes and, for the last two, the server. RSS is the proportional set size of",
    "  the worker and its child processes, after the load.",
    "- pinned: everything on one core, so the software's own cost. Unpinned, the scheduler's placement shows.",
  ];
  for (const pinned of [true, false]) {
    for (const inFlight of new Set(rows.map((row) => row.in_flight))) {
      for (const bytes of new Set(rows.map((row) => row.bytes))) {
        const some = rows.filter((r) => r.pinned === pinned && r.in_flight === inFlight && r.bytes === bytes);
        if (some.length === 0) continue;
        const floor = rows.find((row) => row.what === "floor" && row.pinned === pinned);
        const title = `${size(bytes)}, ${inFlight === 1 ? "one at a time" : `${inFlight} in flight`}`;
        parts.push("", `## ${title}, ${pinned ? "pinned to one core" : "unpinned"}`, "", table(some, floor));
      }
    }
  }
  return `${parts.join("\n")}\n`;
}
