import { availableParallelism, cpus, release } from "node:os";
import { type Chart, chartsOf } from "./charts/charts.ts";
import { type Row, sizeName } from "./row.ts";

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

/** How each SDK waits for calls and what it does with one: what it costs beyond the floor and no-hop is here. */
const WAYS: Record<string, string> = {
  "c/thread": "a thread blocks in `resty_ffi_poll`, answers in place",
  "go/thread": "the descriptor in Go's network poller, then a goroutine; the scheduler's monitor thread makes the tail",
  "rust/thread": "the descriptor in tokio (`AsyncFd`), handlers as tasks of the same thread",
  "python/thread":
    "a thread blocks in `resty_ffi_poll` without the GIL, plain handlers in place; asyncio for `async def`",
  "java/thread": "a thread blocks in `resty_ffi_poll`, fast methods in place, others on virtual threads",
  "node/process": "the descriptor in libuv, handlers on its loop; answers of one turn go out together",
};

/** One call of 64 B, split: two wake-ups, the way through Lua and the event loop, and what is the runtime's own. */
function parts(rows: Row[]): string[] {
  const single = rows.filter((row) => row.pinned && row.in_flight === 1 && row.bytes === 64);
  const of = (what: string): number => single.find((row) => row.what === what)?.us_per_call ?? 0;
  const [floor, noHop] = [of("floor"), of("no-hop")];
  const some = single.filter((row) => row.what in WAYS);
  if (!floor || !noHop || some.length === 0) return [];
  return [
    "",
    "## Where the time of one call goes (64 B, one at a time, pinned; µs)",
    "",
    "| what | a call | two wake-ups (floor) | Lua and event loop (no-hop) | the rest: its runtime | how it waits |",
    "| --- | --: | --: | --: | --: | --- |",
    ...some.map(({ what, us_per_call }) => {
      const times = [us_per_call, floor, noHop, us_per_call - floor - noHop].map((us) => us.toFixed(1));
      return `| ${what} | ${times.join(" | ")} | ${WAYS[what]} |`;
    }),
  ];
}

/** Whether a row belongs to a client of a real service: `etcd-get/nginx`, `etcd-get/native`. */
const ofService = (row: Row): boolean => row.host === "native" || row.what.endsWith("/nginx");

/** What a client costs from Lua, beside the same client alone. */
function services(rows: Row[]): string[] {
  const natives = rows.filter((row) => row.host === "native");
  if (natives.length === 0) return [];
  const lines = natives.map((native) => {
    const name = native.what.replace("/native", "");
    const ours = rows.find(
      (row) => row.what === `${name}/nginx` && row.in_flight === native.in_flight && row.pinned === native.pinned,
    );
    const more = ours ? `${((ours.us_per_call / native.us_per_call - 1) * 100).toFixed(0)} %` : "–";
    return [
      name,
      native.pinned ? "yes" : "no",
      native.in_flight,
      native.us_per_call.toFixed(2),
      ours?.us_per_call.toFixed(2) ?? "–",
      more,
      native.p50_us.toFixed(0),
      ours?.p50_us.toFixed(0) ?? "–",
      native.cpu_us_per_call.toFixed(1),
      ours?.cpu_us_per_call.toFixed(1) ?? "–",
    ];
  });
  const head = [
    ...["what", "pinned", "in flight", "native µs/call", "nginx µs/call", "more"],
    ...["native p50", "nginx p50", "native CPU", "nginx CPU"],
  ];
  return [
    "",
    "## Clients of real services (64 B)",
    "",
    "Each library is called from Lua in nginx (`nginx`), and by a program in its own language (`native`): tonic for grpc-unary",
    "(SayHello), etcd's client for etcd-get, franz-go for kafka-produce (acknowledged by the broker) and kafka-consume (one",
    "record a call, one consumer). Only the client is `pinned`. The real servers run unpinned on the same machine and share its",
    "cores: a client that uses more CPU leaves less to the server.",
    "",
    "The extra cost in nginx is a second thread. The runtime's thread does the work of the native client and then wakes nginx's",
    "worker. The worker encodes a Lua table as a message, decodes the answer to a table, and keeps a light thread for each call.",
    "The difference between the two CPU columns (µs per call, of the client's process) is this cost. It is similar for all",
    "clients, so its share is largest where the service does least: consuming a record only makes a table of seven fields.",
    "",
    ...[head, head.map((_, column) => (column ? "--:" : "---")), ...lines].map((cells) => `| ${cells.join(" | ")} |`),
  ];
}

/** Follows the appearance of the page that it is on. `folder` is where its files are, seen from the page. */
export function embedded({ name, alt }: Chart, folder: string): string {
  return [
    "<picture>",
    `  <source media="(prefers-color-scheme: dark)" srcset="${folder}/${name}-dark.svg">`,
    `  <img alt="${alt}" src="${folder}/${name}-light.svg">`,
    "</picture>",
  ].join("\n");
}

/** docs/benchmarks.md. */
export function report(rows: Row[], rounds: number, seconds: number): string {
  const lines = [
    "# Benchmarks",
    "",
    "Made by `npm run bench`; do not edit. Compare ratios within one run: absolute figures depend on the machine.",
    "",
    `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? "unknown"}), Linux ${release()}, ` +
      `medians of ${rounds} interleaved rounds of ${seconds} s; ± is half the range between rounds.`,
    "",
    "- **floor**: two threads wake each other, one with a futex, the other with an eventfd and epoll; no data is transferred.",
    "- **no-hop**: Lua, queue, semaphore and event loop; the call is answered on the event loop's own thread.",
    "- **LANGUAGE/TRANSPORT**: `rt:echo(payload)` from a content handler; each row has an nginx of its own with one worker.",
    "- **LANGUAGE/stream**: one message each way on a stream that stays open, with one stream for each call in flight. The",
    "  runtime is in the worker; Node.js is in its child process.",
    "- **unix-socket**: a Lua cosocket with keepalive to an echo server in Go. **proxy_pass**: a subrequest that nginx",
    "  proxies with keepalive to an HTTP server in Go, on a unix socket.",
    "- µs/call is time ÷ calls: with 64 in flight it is a share of the time, not a latency. p50 and p99 are latencies.",
    "- CPU covers the worker and its child processes, and the server in the last two rows. RSS is the proportional set size",
    "  of the worker and its child processes, after the load.",
    "- Pinned runs use one core, so they show the cost of the software. Unpinned runs include the scheduler's placement.",
    ...chartsOf(rows).flatMap((chart) => ["", embedded(chart, "benchmarks")]),
    ...parts(rows),
  ];
  for (const pinned of [true, false]) {
    for (const inFlight of new Set(rows.map((row) => row.in_flight))) {
      for (const bytes of new Set(rows.map((row) => row.bytes))) {
        const some = rows.filter(
          (r) => r.pinned === pinned && r.in_flight === inFlight && r.bytes === bytes && !ofService(r),
        );
        if (some.length === 0) continue;
        const floor = rows.find((row) => row.what === "floor" && row.pinned === pinned);
        const title = `${sizeName(bytes)}, ${inFlight === 1 ? "one at a time" : `${inFlight} in flight`}`;
        lines.push("", `## ${title}, ${pinned ? "pinned to one core" : "unpinned"}`, "", table(some, floor));
      }
    }
  }
  lines.push(...services(rows));
  return `${lines.join("\n")}\n`;
}
