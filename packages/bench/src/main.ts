import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "@resty-ffi/scripts/environment";
import { paths } from "@resty-ffi/scripts/paths";
import type { Cell, Sample } from "./cell.ts";
import { startCells } from "./cells.ts";
import { chartsOf } from "./charts/charts.ts";
import { THEMES } from "./charts/svg.ts";
import { report } from "./report.ts";
import { type Row, rowOf } from "./row.ts";
import { Servers } from "./servers.ts";
import { soak, soakTable } from "./soak.ts";

const USAGE = `npm run bench -- [--quick] [--json FILE] [--only REGEX] [--soak MINUTES]
  --quick         fewer sizes and rounds; docs/benchmarks.md stays as it is
  --json FILE     writes the rows as an array of objects
  --only REGEX    only what matches, e.g. 'go|floor|no-hop'; docs/benchmarks.md stays as it is
  --soak MINUTES  64 calls in flight in everything at once, watching resident memory; exit 1 if one grows`;

function progress(text: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
}

interface Plan {
  bytes: number[];
  rounds: number;
  seconds: number;
}

async function measureAll(cells: Cell[], { bytes, rounds, seconds }: Plan): Promise<Row[]> {
  const samples = new Map<string, { key: Parameters<typeof rowOf>[0]; cell: Cell; list: Sample[] }>();
  for (const pinned of [true, false]) {
    for (const cell of cells) cell.pin(pinned);
    for (let round = 1; round <= rounds; round++) {
      for (const in_flight of [1, 64]) {
        for (const size of bytes) {
          for (const cell of cells.filter((candidate) => candidate.takes(size, in_flight))) {
            const { what, host } = cell;
            progress(
              `${pinned ? "pinned" : "unpinned"}, round ${round} of ${rounds}: ${what}, ${size} B × ${in_flight}`,
            );
            const key = { what, host, bytes: size, in_flight, pinned };
            const id = JSON.stringify(key);
            const entry = samples.get(id) ?? { key, cell, list: [] };
            entry.list.push(await cell.measure(size, in_flight, seconds));
            samples.set(id, entry);
          }
        }
      }
    }
  }
  return [...samples.values()].map(({ key, cell, list }) => rowOf(key, list, cell.rssMb()));
}

/** Writes docs/benchmarks.md and the pictures beside it. */
function publish(rows: Row[], text: string): void {
  const docs = join(ROOT, "docs");
  writeFileSync(join(docs, "benchmarks.md"), text);
  mkdirSync(join(docs, "benchmarks"), { recursive: true });
  for (const chart of chartsOf(rows))
    for (const theme of THEMES)
      writeFileSync(join(docs, "benchmarks", `${chart.name}-${theme.name}.svg`), chart.draw(theme));
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      only: { type: "string" },
      soak: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const minutes = values.soak === undefined ? undefined : Number(values.soak);
  if (values.help || (minutes !== undefined && !(minutes > 0))) {
    process.stderr.write(`${USAGE}\n`);
    return values.help ? 0 : 2;
  }
  const plan: Plan = values.quick
    ? { bytes: [64, 102_400], rounds: 1, seconds: 0.3 }
    : { bytes: [64, 4096, 102_400], rounds: 3, seconds: 0.5 };
  const servers = new Servers();
  let cells: Cell[] = [];
  try {
    cells = await startCells({
      paths: paths(),
      servers,
      progress: (what) => progress(`starting ${what}`),
      only: values.only ? new RegExp(values.only) : undefined,
    });
    if (minutes !== undefined) {
      const results = await soak(cells, minutes, progress);
      progress("");
      process.stdout.write(`${soakTable(results)}\n`);
      return results.every(({ flat }) => flat) ? 0 : 1;
    }
    const rows = await measureAll(cells, plan);
    progress("");
    const text = report(rows, plan.rounds, plan.seconds);
    process.stdout.write(text);
    if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
    if (!values.quick && !values.only) publish(rows, text);
    return 0;
  } finally {
    await Promise.all(cells.map((cell) => cell.stop()));
    await servers.stop();
  }
}

process.exitCode = await main().catch((error: Error) => {
  process.stderr.write(`\n${error.message}\n${USAGE}\n`);
  return 1;
});
