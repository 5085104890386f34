import type { Reporter, TestCase, TestModule } from "vitest/node";

const CELL = /^\w+ \| \w+ \| \w+$/;

const IMPOSSIBLE: Record<string, string> = {
  "node thread": "Node.js cannot be loaded as a library: a process serves it",
};

/** Prints how many cases each cell (language × host × transport) passed and failed. */
export default class Matrix implements Reporter {
  readonly #cells = new Map<string, { passed: number; failed: number }>();

  onTestCaseResult(test: TestCase): void {
    const name = cellOf(test);
    const cell = this.#cells.get(name) ?? { passed: 0, failed: 0 };
    if (test.result().state === "passed") cell.passed++;
    else cell.failed++;
    this.#cells.set(name, cell);
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    // A cell that did not open has run no test.
    for (const module of modules) {
      for (const suite of module.children.allSuites()) {
        const name = CELL.test(suite.name) ? suite.name : undefined;
        if (name && suite.state() === "failed" && !this.#cells.has(name))
          this.#cells.set(name, { passed: 0, failed: 1 });
      }
    }
    const rows = [...this.#cells.keys()].sort().map((name) => {
      const [language = "", host = "", transport = ""] = name.split(" | ");
      const { passed, failed } = this.#cells.get(name) as { passed: number; failed: number };
      return [language, host, transport, String(passed), String(failed), IMPOSSIBLE[`${language} ${transport}`] ?? ""];
    });
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
}

/** The cell that a test belongs to; tests beyond one language are counted for their host. */
function cellOf(test: TestCase): string {
  for (let at = test.parent; at.type === "suite"; at = at.parent) {
    if (CELL.test(at.name)) return at.name;
  }
  return `all | ${test.module.moduleId.includes("nginx") ? "nginx" : "node"} | both`;
}
