import { expect, test } from "vitest";
import { type Ending, type Outcome, summarise } from "../summary.ts";
import type { Result } from "../tally/results.ts";

const result = (fields: Partial<Result>): Result => ({
  task: "test",
  command: "vitest run",
  exitCode: 0,
  seconds: 1,
  runner: "vitest",
  passed: 1,
  failed: 0,
  skipped: 0,
  failures: [],
  ...fields,
});

const outcome = (...results: Result[]): Outcome => ({ workspace: "a", tasks: ["lint", "test"], results });
const good: Ending[] = [
  { workspace: "a", task: "build", exitCode: 0 },
  { workspace: "a", task: "lint", exitCode: 0 },
  { workspace: "a", task: "test", exitCode: 0 },
];

test("adds up the commands of every workspace", () => {
  const outcomes = [
    outcome(result({ task: "lint" }), result({ passed: 10, skipped: 1 }), result({ passed: 5 })),
    { workspace: "b", tasks: ["test"], results: [result({ passed: 3 })] },
  ];
  expect(summarise(outcomes, good)).toMatchObject({ passed: 19, failed: 0, skipped: 1, failures: [] });
});

test("names what failed, and counts what has no name", () => {
  const outcomes = [outcome(result({ task: "lint" }), result({ failed: 3, failures: ["echo"], exitCode: 1 }))];
  const { failed, failures } = summarise(outcomes, [{ workspace: "a", task: "test", exitCode: 1 }]);
  expect(failed).toBe(3);
  expect(failures).toEqual(["a test: echo", "a test: 2 more in: vitest run"]);
});

test("a task that recorded nothing has failed", () => {
  const endings = good.map((ending) => (ending.task === "test" ? { ...ending, exitCode: 134 } : ending));
  expect(summarise([outcome(result({ task: "lint" }))], endings)).toMatchObject({
    failed: 1,
    failures: ["a test: recorded no check (exit code 134)"],
  });
});

test("a task that never ran has failed, beside the build that it waited for", () => {
  const endings = [{ workspace: "a", task: "build", exitCode: 1 }];
  expect(summarise([outcome()], endings)).toMatchObject({
    failed: 3,
    failures: ["a build: ended with exit code 1", "a lint: did not run", "a test: did not run"],
  });
});

test("a task that failed after its checks passed has failed", () => {
  const endings = good.map((ending) => (ending.task === "test" ? { ...ending, exitCode: 1 } : ending));
  expect(summarise([outcome(result({ task: "lint" }), result({}))], endings)).toMatchObject({ passed: 2, failed: 1 });
});

test("a workspace that another workspace tests needs no tests of its own", () => {
  const outcomes = [
    { workspace: "a", tasks: ["lint"], results: [result({ task: "lint" })], testedElsewhere: true },
    { workspace: "b", tasks: ["lint", "test"], results: [result({ task: "lint" })], testedElsewhere: true },
  ];
  expect(summarise(outcomes, [])).toMatchObject({ failed: 1, failures: ["b test: did not run"] });
});

test("a workspace without tests has failed", () => {
  const outcomes = [{ workspace: "a", tasks: ["lint"], results: [result({ task: "lint" })] }];
  expect(summarise(outcomes, [])).toMatchObject({ failed: 1, failures: ["a test: the workspace has no tests"] });
});
