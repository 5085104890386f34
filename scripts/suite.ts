import { basename, dirname } from "node:path";
import { setup } from "./setup/setup.ts";
import { type Ending, summarise } from "./summary.ts";
import { clear, read } from "./tally/results.ts";
import { turboEndings } from "./turbo.ts";
import { workspaces } from "./workspaces.ts";

/** npm test: sets up, builds, runs every lint and test there is, and closes with the sum of all checks. */
export async function suite(args: string[]): Promise<number> {
  const all = workspaces();
  for (const { folder } of all) clear(folder);

  heading("1/4", "set-up");
  if ((await setup()) !== 0) return close(0, 1);

  const endings: Ending[] = [];
  for (const [number, task, concurrency] of [
    ["2/4", "build", 2],
    ["3/4", "lint", 2],
    // Tests measure deadlines and memory: they run one workspace after the other.
    ["4/4", "test", 1],
  ] as const) {
    heading(number, task);
    const turbo = ["--continue=dependencies-successful", `--concurrency=${concurrency}`, ...args];
    for (const ending of await turboEndings(task, turbo)) {
      // Later steps meet the same builds again.
      const known = endings.some((other) => other.workspace === ending.workspace && other.task === ending.task);
      if (!known) endings.push(ending);
    }
  }

  const outcomes = workspaces().map(({ name, folder, scripts }) => ({
    workspace: name,
    tasks: ["lint", "test"].filter((task) => task in scripts),
    results: read(folder),
    // packages/examples tests those of all languages.
    testedElsewhere: basename(dirname(folder)) === "examples",
  }));
  const { passed, failed, skipped, table, failures, reports } = summarise(outcomes, endings);
  print(["", ...table]);
  if (skipped > 0) print(["", `${skipped} skipped`]);
  if (reports.length > 0) print(["", ...reports]);
  if (failures.length > 0) print(["", "Failed:", ...failures.map((line) => `  ${line}`)]);
  return close(passed, failed);
}

function close(passed: number, failed: number): number {
  print(["", `${passed} passed, ${failed} failed`]);
  return failed > 0 ? 1 : 0;
}

function heading(number: string, title: string): void {
  print(["", `── ${number} ${title} ${"─".repeat(60 - title.length)}`]);
}

function print(lines: string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}
