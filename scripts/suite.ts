import { basename, dirname } from "node:path";
import { type GivenNginx, givenNginx, NGINX_WORKSPACES } from "./given_nginx.ts";
import { setup } from "./setup/setup.ts";
import { type Ending, summarise } from "./summary.ts";
import { clear, read } from "./tally/results.ts";
import { turboEndings } from "./turbo.ts";
import { type Workspace, workspaces } from "./workspaces.ts";

/**
 * npm test: sets up, builds, runs every lint and test there is, and closes with the sum of all checks. With an nginx
 * given (see given_nginx.ts), only what runs in nginx.
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

  // Tests measure deadlines and memory: they run one workspace after the other.
  const concurrency: Record<string, number> = { build: 2, lint: 2, test: 1 };
  const tasks = partly ? ["build", "test"] : ["build", "lint", "test"];
  const steps = tasks.length + 1;
  heading(`1/${steps}`, "set-up");
  if ((await setup()) !== 0) return close(0, 1);

  const endings: Ending[] = [];
  for (const [k, task] of tasks.entries()) {
    heading(`${k + 2}/${steps}`, task);
    const filters = partly ? NGINX_WORKSPACES.map((name) => `--filter=${name}`) : [];
    const turbo = ["--continue=dependencies-successful", `--concurrency=${concurrency[task]}`, ...filters, ...rest];
    for (const ending of await turboEndings(task, turbo)) {
      // Later steps meet the same builds again.
      const known = endings.some((other) => other.workspace === ending.workspace && other.task === ending.task);
      if (!known) endings.push(ending);
    }
  }

  const outcomes = chosen().map(({ name, folder, scripts }) => ({
    workspace: name,
    tasks: tasks.filter((task) => task !== "build" && task in scripts),
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
