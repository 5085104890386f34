import { type Row, sizeName } from "../row.ts";
import { drawBars } from "./bars.ts";
import { drawLines } from "./lines.ts";
import type { Theme } from "./svg.ts";

export interface Chart {
  /** Of its file, without the theme. */
  name: string;
  /** For those who cannot see it. */
  alt: string;
  draw(theme: Theme): string;
}

/** How each language is measured, and what its bar is called. */
const LANGUAGES: Record<string, string> = {
  "go/thread": "Go",
  "rust/thread": "Rust",
  "python/thread": "Python",
  "java/thread": "Java",
  "node/process": "Node.js",
};

/**
 * lua-resty-ffi at commit 33b6630 in nginx, 64 B, one call at a time, pinned; µs, on a machine whose floor was 5.5 µs. Node.js
 * did not run.
 */
const ORIGINAL = { floor: 5.5, calls: { Go: 12.7, Rust: 14.0, Python: 11.8, Java: 8.7 } as Record<string, number> };

const OURS = 0;
const OTHERS = 1;
const SOCKET = 3;

/** The pictures that these rows are enough for. */
export function chartsOf(rows: Row[]): Chart[] {
  return [calls(rows), parts(rows), sizes(rows)].filter((chart) => chart !== undefined);
}

function single(rows: Row[]): (what: string) => number | undefined {
  return (what) =>
    rows.find((row) => row.what === what && row.pinned && row.in_flight === 1 && row.bytes === 64)?.us_per_call;
}

function calls(rows: Row[]): Chart | undefined {
  const of = single(rows);
  const [floor, socket] = [of("floor"), of("unix-socket")];
  const languages = Object.entries(LANGUAGES).filter(([what]) => of(what) !== undefined);
  if (floor === undefined || socket === undefined || languages.length === 0) return undefined;
  const one = (name: string, series: number, value: number) => ({ name, parts: [{ series, value }] });
  const groups = languages.map(([what, name]) => {
    const original = ORIGINAL.calls[name];
    return [
      one(name, OURS, of(what) as number),
      ...(original === undefined ? [] : [one("", OTHERS, (original / ORIGINAL.floor) * floor)]),
    ];
  });
  const title = "One call of 64 bytes, in µs";
  return {
    name: "calls",
    alt: `${title}: ${languages.map(([what, name]) => `${name} ${of(what)?.toFixed(1)}`).join(", ")}, a unix socket ${socket.toFixed(1)}`,
    draw: (theme) =>
      drawBars(theme, {
        title,
        subtitle:
          "From Lua in nginx, one at a time, on one core. The original's figures are another machine's, scaled by the floor.",
        series: ["resty-ffi", "lua-resty-ffi, scaled", "", "a Go server on a unix socket, by cosocket"],
        groups: [...groups, [one("unix socket", SOCKET, socket)]],
      }),
  };
}

function parts(rows: Row[]): Chart | undefined {
  const of = single(rows);
  const [floor, noHop] = [of("floor"), of("no-hop")];
  const languages = Object.entries(LANGUAGES).filter(([what]) => of(what) !== undefined);
  if (floor === undefined || noHop === undefined || languages.length === 0) return undefined;
  const title = "Where the time of one call goes, in µs";
  return {
    name: "parts",
    alt: `${title}: two wake-ups ${floor.toFixed(1)}, Lua and the event loop ${noHop.toFixed(1)}, the rest is the runtime's`,
    draw: (theme) =>
      drawBars(theme, {
        title,
        subtitle: "64 bytes, one at a time, everything on one core.",
        series: ["two thread wake-ups", "Lua and nginx's event loop", "the runtime of the language"],
        groups: languages.map(([what, name]) => {
          const rest = Math.max(0, (of(what) as number) - floor - noHop);
          return [{ name, parts: [floor, noHop, rest].map((value, series) => ({ series, value })) }];
        }),
      }),
  };
}

function sizes(rows: Row[]): Chart | undefined {
  const many = rows.filter((row) => row.pinned && row.in_flight === 64);
  const sizes = [...new Set(many.map(({ bytes }) => bytes))].sort((a, b) => a - b);
  const lines = Object.entries({ ...LANGUAGES, "unix-socket": "unix socket" }).flatMap(([what, name]) => {
    const values = sizes.map(
      (bytes) => many.find((row) => row.what === what && row.bytes === bytes)?.calls_per_s ?? Number.NaN,
    );
    return values.every((value) => value > 0) ? [{ name, values }] : [];
  });
  if (sizes.length < 2 || lines.length === 0) return undefined;
  const title = "Calls per second by the size of the payload";
  return {
    name: "sizes",
    alt: `${title}: ${lines.map(({ name, values }) => `${name} ${values.map((value) => value.toLocaleString("en")).join(", ")}`).join("; ")}`,
    draw: (theme) =>
      drawLines(theme, {
        title,
        subtitle: "64 calls in flight, one nginx worker, everything on one core; the payload goes both ways.",
        places: sizes.map(sizeName),
        lines,
      }),
  };
}
