/** Colours of one appearance of a page. The four series can be told apart in grey, too. */
export interface Theme {
  name: "light" | "dark";
  ground: string;
  text: string;
  faint: string;
  line: string;
  /** In the order in which a chart uses them. */
  series: readonly [string, string, string, string, string, string];
}

export const THEMES: Theme[] = [
  {
    name: "light",
    ground: "#ffffff",
    text: "#1f2328",
    faint: "#59636e",
    line: "#d1d9e0",
    series: ["#1f6feb", "#8c959f", "#1a7f37", "#bc4c00", "#8250df", "#bf3989"],
  },
  {
    name: "dark",
    ground: "#0d1117",
    text: "#e6edf3",
    faint: "#9198a1",
    line: "#3d444d",
    series: ["#58a6ff", "#7d8590", "#3fb950", "#f0883e", "#bc8cff", "#f778ba"],
  },
];

const FONT = "-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif";

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

const place = (value: number): string => Number(value.toFixed(1)).toString();

/** A picture of the size that its parts are drawn for. `label` is what a screen reader says of it. */
export function picture(theme: Theme, width: number, height: number, label: string, parts: string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"` +
      ` role="img" aria-label="${escaped(label)}" font-family="${FONT}" font-size="13">`,
    `<rect width="${width}" height="${height}" rx="6" fill="${theme.ground}"/>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

export interface TextStyle {
  fill: string;
  anchor?: "start" | "middle" | "end";
  weight?: number;
  size?: number;
}

export function text(x: number, y: number, words: string, { fill, anchor, weight, size }: TextStyle): string {
  const style = [
    anchor && anchor !== "start" ? ` text-anchor="${anchor}"` : "",
    weight ? ` font-weight="${weight}"` : "",
    size ? ` font-size="${size}"` : "",
  ];
  return `<text x="${place(x)}" y="${place(y)}" fill="${fill}"${style.join("")}>${escaped(words)}</text>`;
}

export function bar(x: number, y: number, width: number, height: number, fill: string): string {
  return `<rect x="${place(x)}" y="${place(y)}" width="${place(width)}" height="${place(height)}" rx="2" fill="${fill}"/>`;
}

export function line(points: [number, number][], stroke: string, width = 1): string {
  const path = points.map(([x, y]) => `${place(x)},${place(y)}`).join(" ");
  return `<polyline points="${path}" fill="none" stroke="${stroke}" stroke-width="${width}" stroke-linejoin="round"/>`;
}

export function dot(x: number, y: number, fill: string): string {
  return `<circle cx="${place(x)}" cy="${place(y)}" r="3.5" fill="${fill}"/>`;
}
