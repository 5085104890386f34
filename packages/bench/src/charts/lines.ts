import { dot, line, picture, type Theme, text } from "./svg.ts";

export interface Lines {
  title: string;
  subtitle: string;
  /** What stands below each place, from left to right. */
  places: string[];
  /** A value for each place; the last is where the name stands. */
  lines: { name: string; values: number[] }[];
}

const WIDTH = 760;
const HEIGHT = 340;
const LEFT = 70;
const RIGHT = 110;
const TOP = 70;
const BOTTOM = 40;
const NAME_HEIGHT = 15;

/** Names below each other that would overlap are pushed apart. */
function apart(wanted: number[]): number[] {
  const order = wanted.map((y, index) => ({ y, index })).sort((a, b) => a.y - b.y);
  const placed: number[] = [];
  let least = Number.NEGATIVE_INFINITY;
  for (const { y, index } of order) {
    least = Math.max(y, least + NAME_HEIGHT);
    placed[index] = least;
  }
  return placed;
}

/** Lines over a logarithmic scale. */
export function drawLines(theme: Theme, { title, subtitle, places, lines }: Lines): string {
  const all = lines.flatMap(({ values }) => values);
  const low = Math.floor(Math.log10(Math.min(...all)));
  const high = Math.ceil(Math.log10(Math.max(...all)));
  const x = (index: number): number => LEFT + ((WIDTH - LEFT - RIGHT) * index) / (places.length - 1);
  const y = (value: number): number =>
    HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * (Math.log10(value) - low)) / (high - low);
  const parts = [
    text(20, 28, title, { fill: theme.text, weight: 600, size: 16 }),
    text(20, 47, subtitle, { fill: theme.faint, size: 12 }),
  ];
  for (let power = low; power <= high; power++) {
    const value = 10 ** power;
    parts.push(
      line(
        [
          [LEFT, y(value)],
          [WIDTH - RIGHT, y(value)],
        ],
        theme.line,
      ),
    );
    const words = value >= 1e6 ? `${value / 1e6} M` : value >= 1e3 ? `${value / 1e3} k` : `${value}`;
    parts.push(text(LEFT - 10, y(value) + 4, words, { fill: theme.faint, anchor: "end", size: 12 }));
  }
  for (const [index, name] of places.entries())
    parts.push(text(x(index), HEIGHT - BOTTOM + 20, name, { fill: theme.faint, anchor: "middle", size: 12 }));
  const names = apart(lines.map(({ values }) => y(values.at(-1) as number)));
  for (const [index, { name, values }] of lines.entries()) {
    const colour = theme.series[index % theme.series.length] as string;
    const points = values.map((value, place): [number, number] => [x(place), y(value)]);
    parts.push(line(points, colour, 2), ...points.map(([px, py]) => dot(px, py, colour)));
    parts.push(text(x(places.length - 1) + 12, (names[index] as number) + 4, name, { fill: colour, weight: 600 }));
  }
  return picture(theme, WIDTH, HEIGHT, `${title}. ${subtitle}`, parts);
}
