import { bar, picture, type Theme, text } from "./svg.ts";

/** Lengths that lie end to end, each with the number of its series. */
export interface Bar {
  name: string;
  parts: { series: number; value: number }[];
}

export interface Bars {
  title: string;
  subtitle: string;
  /** Names of the series, in the order of the theme's colours; one without a name is not used. */
  series: string[];
  /** Groups are set apart; the name of the first bar of a group stands beside it. */
  groups: Bar[][];
}

const WIDTH = 760;
const LEFT = 130;
const RIGHT = 70;
const TOP = 88;
const THICK = 14;
const GAP = 4;
const GROUP_GAP = 12;

/** Horizontal bars with their values. */
export function drawBars(theme: Theme, { title, subtitle, series, groups }: Bars): string {
  const sum = ({ parts }: Bar): number => parts.reduce((all, { value }) => all + value, 0);
  const most = Math.max(...groups.flat().map(sum));
  const scale = (WIDTH - LEFT - RIGHT) / most;
  const parts = [
    text(20, 28, title, { fill: theme.text, weight: 600, size: 16 }),
    text(20, 47, subtitle, { fill: theme.faint, size: 12 }),
  ];
  let legend = 20;
  for (const [index, name] of series.entries()) {
    if (!name) continue;
    parts.push(bar(legend, 60, 12, 12, theme.series[index] as string));
    parts.push(text(legend + 17, 70, name, { fill: theme.faint, size: 12 }));
    legend += 40 + name.length * 6.2;
  }
  let y = TOP;
  for (const group of groups) {
    for (const [index, one] of group.entries()) {
      if (index === 0) parts.push(text(LEFT - 10, y + 11, one.name, { fill: theme.text, anchor: "end" }));
      let x = LEFT;
      for (const { series: number, value } of one.parts) {
        parts.push(bar(x, y, value * scale, THICK, theme.series[number] as string));
        x += value * scale;
      }
      parts.push(text(x + 6, y + 11, sum(one).toFixed(1), { fill: theme.faint, size: 12 }));
      y += THICK + GAP;
    }
    y += GROUP_GAP;
  }
  return picture(theme, WIDTH, y + 4, `${title}. ${subtitle}`, parts);
}
