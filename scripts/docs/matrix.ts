import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../environment.ts";

/** One result of the last run of the conformance suite; see packages/conformance/src/matrix.ts. */
export interface Cell {
  language: string;
  host: string;
  transport: string;
  passed: number;
  failed: number;
  impossible?: string;
}

const FILE = join(ROOT, "packages/conformance/.results/.matrix.json");

const LANGUAGES = { go: "Go", rust: "Rust", python: "Python", java: "Java", node: "Node.js" };
const COLUMNS = [
  { host: "nginx", transport: "thread", title: "nginx, thread" },
  { host: "nginx", transport: "process", title: "nginx, process" },
  { host: "node", transport: "thread", title: "Node.js host, thread" },
  { host: "node", transport: "process", title: "Node.js host, process" },
];

/** The cells of the last run, or undefined if the suite has not run since the results were cleared. */
export function cells(file = FILE): Cell[] | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Cell[]) : undefined;
}

function find(all: Cell[], language: string, host: string, transport: string): Cell | undefined {
  return all.find((one) => one.language === language && one.host === host && one.transport === transport);
}

/** The languages that lack the results of a cell. */
export function notRun(all: Cell[]): string[] {
  return Object.entries(LANGUAGES)
    .filter(([language]) => COLUMNS.some(({ host, transport }) => !find(all, language, host, transport)))
    .map(([, title]) => title);
}

/** The numbers of passed cases as a markdown table: languages × hosts and transports. */
export function table(all: Cell[]): string {
  const reasons = new Set<string>();
  const rows = Object.entries(LANGUAGES).map(([language, title]) => {
    const counts = COLUMNS.map(({ host, transport }) => {
      const cell = find(all, language, host, transport);
      if (cell?.impossible && cell.failed === 0) {
        reasons.add(cell.impossible);
        return "–\\*";
      }
      const { passed = 0, failed = 0 } = cell ?? {};
      return failed > 0 ? `${passed}, ${failed} failed` : String(passed);
    });
    return `| ${[title, ...counts].join(" | ")} |`;
  });
  const notes = [...reasons].map((reason) => `\\* ${reason}. `).join("");
  return [
    `| cases passed | ${COLUMNS.map(({ title }) => title).join(" | ")} |`,
    `|---${"|---:".repeat(COLUMNS.length)}|`,
    ...rows,
    "",
    `${notes}Cases of child processes (crashes, limits, output) do not run on \`thread\`.`,
  ].join("\n");
}
