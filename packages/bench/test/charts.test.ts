import { describe, expect, it } from "vitest";
import { chartsOf } from "../src/charts/charts.ts";
import { THEMES } from "../src/charts/svg.ts";
import { embedded } from "../src/report.ts";
import { type Row, rowOf } from "../src/row.ts";

const row = (what: string, us: number, bytes = 64, in_flight = 1): Row =>
  rowOf(
    { what, host: "nginx", bytes, in_flight, pinned: true },
    [{ calls: 1e6 / us, seconds: 1, p50_us: us, p99_us: us, cpu_us: 1e6 }],
    0,
  );
const ROWS = [
  row("floor", 5.5),
  row("no-hop", 1.5),
  row("go/thread", 10),
  row("node/process", 8),
  row("unix-socket", 20),
  ...[64, 4096].flatMap((bytes) => [row("go/thread", 2, bytes, 64), row("unix-socket", 20, bytes, 64)]),
];

function drawn(name: string): string {
  const chart = chartsOf(ROWS).find((candidate) => candidate.name === name);
  if (!chart) throw new Error(`there is no chart ${name}`);
  return chart.draw(THEMES[0] as (typeof THEMES)[0]);
}

const widths = (svg: string): number[] =>
  [...svg.matchAll(/<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)" height="14"/g)].map(([, width]) => Number(width));

describe("the pictures of the benchmarks", () => {
  it("show a call of each language, the original beside it, and the unix socket, to scale", () => {
    const svg = drawn("calls");
    // The floor is that of the machine of the original, so that its 12.7 µs stand as they are.
    expect([...svg.matchAll(/>([\d.]+)</g)].map(([, value]) => value)).toEqual(["10.0", "12.7", "8.0", "20.0"]);
    const [go, original, node, socket] = widths(svg) as [number, number, number, number];
    for (const [width, us] of [
      [go, 10],
      [original, 12.7],
      [node, 8],
    ] as const)
      expect(width / socket).toBeCloseTo(us / 20, 3);
  });

  it("split a call into what it is made of", () => {
    const [wake, lua, runtime] = widths(drawn("parts")) as [number, number, number];
    expect(lua / wake).toBeCloseTo(1.5 / 5.5, 3);
    expect(runtime / wake).toBeCloseTo(3 / 5.5, 2);
  });

  it("show the throughput by the size of the payload, on a logarithmic scale", () => {
    const [go, socket] = [...drawn("sizes").matchAll(/<polyline points="([^"]+)"[^>]*stroke-width="2"/g)].map(
      ([, points]) => (points as string).split(" ").map((point) => Number(point.split(",")[1])),
    ) as [[number, number], [number, number]];
    const [lower, upper] = [...drawn("sizes").matchAll(/<polyline points="[\d.]+,([\d.]+)[^>]*stroke-width="1"/g)].map(
      ([, y]) => Number(y),
    ) as [number, number];
    expect((socket[0] - go[0]) / (lower - upper)).toBeCloseTo(1, 2); // ten times as many calls are one line further up
    expect(go[1]).toBe(go[0]);
  });

  it("are well-formed, in light and dark, and named for those who cannot see them", () => {
    for (const chart of chartsOf(ROWS)) {
      for (const theme of THEMES) {
        const svg = chart.draw(theme);
        expect(svg).toContain(theme.ground);
        const open = [...svg.matchAll(/<(\w+)[^>]*?(\/?)>|<\/(\w+)>/g)].reduce<string[]>(
          (stack, [, tag, empty, end]) => {
            if (end) expect(stack.pop()).toBe(end);
            else if (!empty) stack.push(tag as string);
            return stack;
          },
          [],
        );
        expect(open).toEqual([]);
      }
      expect(embedded(chart, "benchmarks")).toContain(`alt="${chart.alt}" src="benchmarks/${chart.name}-light.svg"`);
    }
  });

  it("are left out where something was not measured", () => {
    expect(chartsOf(ROWS.filter(({ what }) => what !== "unix-socket")).map(({ name }) => name)).toEqual([
      "parts",
      "sizes",
    ]);
    expect(chartsOf([])).toEqual([]);
  });
});
