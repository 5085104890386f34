import type { Result } from "./tally/results.ts";

/** A workspace and the results of its checks. */
export interface Outcome {
  workspace: string;
  /** The tasks that it should have run: `test` and `lint`, where it has a script of that name. */
  tasks: string[];
  results: Result[];
  /** Another workspace tests this one. */
  testedElsewhere?: boolean;
}

/** How a task ended, as turbo reports it. */
export interface Ending {
  workspace: string;
  task: string;
  exitCode: number;
}

export interface Summary {
  passed: number;
  failed: number;
  skipped: number;
  /** One line for each failure: `workspace task: name`. */
  failures: string[];
  /** The last output of the failed commands. */
  reports: string[];
  /** One line for each counted command. */
  table: string[];
}

/**
 * Adds everything up. A failed task without a failed check, a task that recorded nothing, and a workspace without tests
 * each count as a failure: nothing may be missing from the sum unnoticed.
 */
export function summarise(outcomes: Outcome[], endings: Ending[]): Summary {
  const summary: Summary = { passed: 0, failed: 0, skipped: 0, failures: [], reports: [], table: [] };
  const fail = (line: string): void => {
    summary.failed++;
    summary.failures.push(line);
  };
  for (const { workspace, task, exitCode } of endings) {
    if (task === "build" && exitCode !== 0) fail(`${workspace} build: ended with exit code ${exitCode}`);
  }
  for (const { workspace, tasks, results, testedElsewhere } of outcomes) {
    if (!tasks.includes("test") && !testedElsewhere) fail(`${workspace} test: the workspace has no tests`);
    for (const task of tasks) {
      const own = results.filter((result) => result.task === task);
      const ending = endings.find((candidate) => candidate.workspace === workspace && candidate.task === task);
      for (const result of own) add(summary, workspace, result);
      if (own.length === 0) {
        fail(`${workspace} ${task}: ${ending ? `recorded no check (exit code ${ending.exitCode})` : "did not run"}`);
      } else if (ending && ending.exitCode !== 0 && own.every(({ failed }) => failed === 0)) {
        fail(`${workspace} ${task}: ended with exit code ${ending.exitCode}`);
      }
    }
  }
  return summary;
}

function add(summary: Summary, workspace: string, result: Result): void {
  const { task, passed, failed, skipped, failures, command, seconds, tail } = result;
  if (tail) summary.reports.push(`── ${workspace} ${task}: the end of ${command}`, ...tail);
  summary.passed += passed;
  summary.failed += failed;
  summary.skipped += skipped;
  for (const name of failures) summary.failures.push(`${workspace} ${task}: ${name}`);
  if (failed > failures.length) {
    const unnamed = failed - failures.length;
    summary.failures.push(`${workspace} ${task}: ${failures.length > 0 ? `${unnamed} more` : unnamed} in: ${command}`);
  }
  const counts = [`${passed} passed`, failed > 0 && `${failed} failed`, skipped > 0 && `${skipped} skipped`];
  summary.table.push(
    `${failed > 0 ? "✖" : "✔"} ${workspace} ${task}: ${counts.filter(Boolean).join(", ")} (${result.runner}, ${seconds.toFixed(1)} s)`,
  );
}
