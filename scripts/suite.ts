import { basename, dirname } from "node:path";
import { type GivenNginx, givenNginx, NGINX_WORKSPACES } from "./given_nginx.ts";
import { setup } from "./setup/setup.ts";
import { type Ending, summarise } from "./summary.ts";
import { clear, read } from "./tally/results.ts";
import { turboEndings } from "./turbo.ts";
import { type Workspace, workspaces } from "./workspaces.ts";

/** Groups of workspaces whose tests use all processors: each group runs when no other test does. */
const CROWDS = [["@resty-ffi/native"], ["@resty-ffi/conformance", "@resty-ffi/examples"]];

/**
 * npm test: sets up, builds, runs every linter and every test, and closes with the sum of all checks. With a given
 * nginx (see given_nginx.ts) it runs only the workspaces that run in nginx.
 */
export async function suite(args: string[]): Promise<number> {
  let given: GivenNginx;
  try {
    given = givenNginx(args);
  } catch (error) {
    print([(error as Error).message]);
    return close(0, 1);
  }
  const { env, rest } = given;
  const partly = Object.keys(env).length > 0;
  Object.assign(process.env, env);
  const chosen = (): Workspace[] => workspaces().filter(({ name }) => !partly || NGINX_WORKSPACES.includes(name));
  for (const { folder } of chosen()) clear(folder);

  const tasks = partly ? ["build", "test"] : ["build", "lint", "test"];
  const steps = tasks.length + 1;
  heading(`1/${steps}`, "set-up");
  if ((await setup()) !== 0) return close(0, 1);

  const endings: Ending[] = [];
  const durations: string[] = [];
  const filters = partly ? NGINX_WORKSPACES.map((name) => `--filter=${name}`) : [];
  const chosenByHand = partly || rest.some((arg) => /^(-F|--filter)/.test(arg));
  for (const [k, task] of tasks.entries()) {
    heading(`${k + 2}/${steps}`, task);
    const start = performance.now();
    for (const run of task === "test" ? testRuns(chosenByHand) : [["--concurrency=2"]]) {
      const turbo = ["--continue=dependencies-successful", ...run, ...filters, ...rest];
      for (const ending of await turboEndings(task, turbo)) {
        // Later steps report the same builds again.
        const known = endings.some((other) => other.workspace === ending.workspace && other.task === ending.task);
        if (!known) endings.push(ending);
      }
    }
    durations.push(`${task} ${((performance.now() - start) / 60_000).toFixed(1)} min`);
  }

  const outcomes = chosen().map(({ name, folder, scripts }) => ({
    workspace: name,
    tasks: tasks.filter((task) => task !== "build" && task in scripts),
    results: read(folder),
    // packages/examples tests the examples of all languages.
    testedElsewhere: basename(dirname(folder)) === "examples",
  }));
  const { passed, failed, skipped, table, failures, reports } = summarise(outcomes, endings);
  print(["", ...table, "", durations.join(", ")]);
  if (skipped > 0) print(["", `${skipped} skipped`]);
  if (reports.length > 0) print(["", ...reports]);
  if (failures.length > 0) print(["", "Failed:", ...failures.map((line) => `  ${line}`)]);
  return close(passed, failed);
}

/** First the workspaces that leave a processor to others, two at a time, then the crowds; chosen ones one by one. */
function testRuns(chosen: boolean): string[][] {
  if (chosen) return [["--concurrency=1"]];
  return [
    ["--concurrency=2", ...CROWDS.flat().map((name) => `--filter=!${name}`)],
    ...CROWDS.map((names) => ["--concurrency=2", ...names.map((name) => `--filter=${name}`)]),
  ];
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
