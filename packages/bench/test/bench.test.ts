import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { paths } from "@resty-ffi/scripts/paths";
import { ended } from "@resty-ffi/scripts/processes";
import { describe, expect, it } from "vitest";
import { report } from "../src/report.ts";
import { type Row, rowOf } from "../src/row.ts";
import { Servers } from "../src/servers.ts";
import { startServiceCells } from "../src/services.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

describe("a row", () => {
  const key = { what: "go/thread", host: "nginx", bytes: 64, in_flight: 1, pinned: true };
  const sample = (calls: number) => ({ calls, seconds: 1, p50_us: 9, p99_us: 20, cpu_us: calls * 5 });

  it("is the median of the rounds", () => {
    const row = rowOf(key, [sample(100_000), sample(50_000), sample(80_000)], 15.04);
    expect(row).toEqual({
      ...key,
      us_per_call: 12.5,
      spread_percent: 40,
      p50_us: 9,
      p99_us: 20,
      calls_per_s: 80_000,
      cpu_us_per_call: 5,
      rss_mb: 15,
    });
  });

  it("stands in the report with its ratios", () => {
    const row = (what: string, us: number): Row => rowOf({ ...key, what }, [{ ...sample(1e6 / us) }], 15);
    const text = report([row("floor", 5), row("no-hop", 2.5), row("go/thread", 10), row("unix-socket", 25)], 1, 0.5);
    expect(text).toMatch(/\| go\/thread \| 10\.00 .* \| 2\.00 \| 1\.33 \| 2\.50 \|/);
    expect(text).toContain("| go/thread | 10.0 | 5.0 | 2.5 | 2.5 |");
  });
});

it("a client of a service stands beside the native one, with what it costs more", () => {
  const row = (what: string, host: string, us: number): Row =>
    rowOf(
      { what, host, bytes: 64, in_flight: 64, pinned: false },
      [{ calls: 1e6 / us, seconds: 1, p50_us: us, p99_us: us, cpu_us: 1e6 }],
      0,
    );
  const text = report([row("etcd-get/native", "native", 20), row("etcd-get/nginx", "nginx", 21)], 1, 0.5);
  expect(text).toContain("| etcd-get | no | 64 | 20.00 | 21.00 | 5 % |");
  expect(text).not.toContain("| etcd-get/nginx |");
});

it("a server that cells share outlives each of them", async () => {
  const servers = new Servers();
  try {
    const wanted = (what: string) => what === "grpc-unary/nginx";
    const cells = await startServiceCells({ paths: paths(), servers, progress: () => {}, wanted });
    expect(cells.map(({ what }) => what)).toEqual(["grpc-unary/native", "grpc-unary/nginx"]);
    const { pid } = await servers.get("grpc");
    for (const cell of cells) await cell.stop();
    expect(ended(pid)).toBe(false);
    await servers.stop();
    expect(ended(pid)).toBe(true);
  } finally {
    await servers.stop();
  }
});

describe("the bench itself", () => {
  it("measures what it is asked for, checks every answer, and writes the rows", { timeout: 60_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), "resty-ffi-bench-test-"));
    try {
      const file = join(folder, "rows.json");
      execFileSync("tsx", [MAIN, "--quick", "--only", "^(floor|no-hop|c/thread|unix-socket)$", "--json", file], {
        stdio: "pipe",
      });
      const rows = JSON.parse(readFileSync(file, "utf8")) as Row[];
      // floor: one way, pinned and not; the others: two sizes, two numbers in flight, pinned and not.
      expect(rows).toHaveLength(2 + 3 * 8);
      for (const row of rows) {
        expect(row.calls_per_s, row.what).toBeGreaterThan(0);
        expect(row.p99_us, row.what).toBeGreaterThanOrEqual(row.p50_us);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("says how it is used when it is used wrongly", () => {
    expect(() => execFileSync("tsx", [MAIN, "--soak", "often"], { stdio: "pipe" })).toThrow(/--soak MINUTES/);
  });
});
