import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Reporter, TestCase, TestModule, TestRunEndReason, Vitest } from "vitest/node";

const CELL = /^\w+ \| \w+ \| \w+$/;

const IMPOSSIBLE: Record<string, string> = {
  "node thread": "Node.js cannot be loaded as a library: a process serves it",
};

/** The file of the matrix. npm test deletes it with the other results when it starts. */
const FILE = fileURLToPath(new URL("../.results/.matrix.json", import.meta.url));

/** The numbers of passed and failed cases of one language on one host over one transport. */
interface Cell {
  language: string;
  host: string;
  transport: string;
  passed: number;
  failed: number;
  /** Why this cell cannot exist. */
  impossible?: string;
}

/**
 * Prints the numbers of passed and failed cases of each cell (language × host × transport), and writes them as JSON.
 */
export default class Matrix implements Reporter {
  readonly #cells = new Map<string, { passed: number; failed: number }>();
  /** Whether all cases of a file run, in the installed nginx: otherwise their number is meaningless. */
  #whole = process.env.RESTY_FFI_TEST_NGINX === undefined;

  onInit(vitest: Vitest): void {
    this.#whole &&= vitest.config.testNamePattern === undefined;
  }

  onTestCaseResult(test: TestCase): void {
    const { state } = test.result();
    if (state === "skipped") return;
    const name = cellOf(test);
    const cell = this.#cells.get(name) ?? { passed: 0, failed: 0 };
    if (state === "passed") cell.passed++;
    else cell.failed++;
    this.#cells.set(name, cell);
  }

  onTestRunEnd(modules: readonly TestModule[], _errors: unknown, reason: TestRunEndReason): void {
    // A cell that could not be opened has not run any test.
    for (const module of modules) {
      for (const suite of module.children.allSuites()) {
        const name = CELL.test(suite.name) ? suite.name : undefined;
        if (name && suite.state() === "failed" && !this.#cells.has(name))
          this.#cells.set(name, { passed: 0, failed: 1 });
      }
    }
    const cells = [...this.#cells].map(([name, counts]) => cell(name, counts)).sort(byName);
    print(cells);
    if (this.#whole && reason !== "interrupted") save(cells);
  }
}

function cell(name: string, counts: { passed: number; failed: number }): Cell {
  const [language = "", host = "", transport = ""] = name.split(" | ");
  const impossible = IMPOSSIBLE[`${language} ${transport}`];
  return { language, host, transport, ...counts, ...(impossible && { impossible }) };
}

const nameOf = ({ language, host, transport }: Cell) => `${language} | ${host} | ${transport}`;
const byName = (a: Cell, b: Cell) => (nameOf(a) < nameOf(b) ? -1 : 1);

function print(cells: Cell[]): void {
  const rows = cells.map(({ language, host, transport, passed, failed, impossible = "" }) => [
    language,
    host,
    transport,
    String(passed),
    String(failed),
    impossible,
  ]);
  const table = [["language", "host", "transport", "passed", "failed", ""], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = table.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  console.log(`\n${lines.join("\n")}\ncrash and exit are not for thread: they would end the host itself.\n`);
}

/** A run of some files replaces only the cells of these files. */
function save(cells: Cell[]): void {
  const run = new Set(cells.map(nameOf));
  const all = [...saved().filter((other) => !run.has(nameOf(other))), ...cells].sort(byName);
  mkdirSync(dirname(FILE), { recursive: true });
  writeFileSync(`${FILE}.new`, `${JSON.stringify(all, null, 2)}\n`);
  renameSync(`${FILE}.new`, FILE);
}

function saved(): Cell[] {
  try {
    return JSON.parse(readFileSync(FILE, "utf8")) as Cell[];
  } catch {
    return [];
  }
}

/** The cell of a test. A test that is not about one language counts for its host. */
function cellOf(test: TestCase): string {
  for (let at = test.parent; at.type === "suite"; at = at.parent) {
    if (CELL.test(at.name)) return at.name;
  }
  return `all | ${/\bnode(_host)?\.test\.ts$/.test(test.module.moduleId) ? "node" : "nginx"} | both`;
}
