/** A histogram of latencies: `counts[k]` calls took 2^(k / perOctave) µs or a little more. */
export interface Histogram {
  counts: number[];
  perOctave: number;
}

/** A latency to mark, in µs. */
export interface Mark {
  us: number;
  label: string;
}

const HEIGHT = 92;
const BASE = 74;
const TOP = 20;
/** What the server's histogram spans. */
const FIRST_US = 1;
const LAST_US = 65_536;
const TICKS: [us: number, label: string][] = [
  [1, "1 µs"],
  [10, "10 µs"],
  [100, "100 µs"],
  [1000, "1 ms"],
  [10_000, "10 ms"],
];
/** Room for a mark's label before it must go to the other side of its line. */
const LABEL = 28;

/**
 * Draws the histogram into an SVG element as wide as that is now, on a logarithmic axis that is the same for all.
 * Labels are ours and the rest is numbers: nothing needs escaping.
 */
export function plot(svg: SVGElement, { counts, perOctave }: Histogram, marks: Mark[]): void {
  const width = svg.clientWidth || 320;
  const x = (us: number): number => {
    const share = Math.log(us / FIRST_US) / Math.log(LAST_US / FIRST_US);
    return Math.min(1, Math.max(0, share)) * width;
  };

  const most = Math.max(1, ...counts);
  const points = counts.map((count, k) => {
    const middle = x(2 ** ((k + 0.5) / perOctave));
    return `${middle.toFixed(1)},${(BASE - (count / most) * (BASE - TOP)).toFixed(1)}`;
  });
  const grid = TICKS.map(([us, label]) => {
    const at = x(us).toFixed(1);
    const anchor = us === FIRST_US ? "start" : "middle";
    return (
      `<line class="grid" x1="${at}" x2="${at}" y1="${TOP}" y2="${BASE}"/>` +
      `<text x="${at}" y="${HEIGHT - 4}" text-anchor="${anchor}">${label}</text>`
    );
  });
  const lines = marks.map(({ us, label }, k) => {
    const at = Math.min(x(us), width - 1);
    const next = marks[k + 1];
    const left = at > width - LABEL || (next !== undefined && x(next.us) - at < LABEL && at > LABEL);
    return (
      `<line class="mark" x1="${at.toFixed(1)}" x2="${at.toFixed(1)}" y1="6" y2="${BASE}"/>` +
      `<text class="label" x="${(at + (left ? -4 : 4)).toFixed(1)}" y="13" text-anchor="${left ? "end" : "start"}">${label}</text>`
    );
  });

  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  svg.innerHTML =
    grid.join("") +
    (points.length > 0 ? `<polygon class="area" points="0,${BASE} ${points.join(" ")} ${width},${BASE}"/>` : "") +
    `<line class="axis" x1="0" x2="${width}" y1="${BASE}" y2="${BASE}"/>` +
    lines.join("");
}
