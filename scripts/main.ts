import { docs } from "./docs/pages.ts";
import { printPaths } from "./paths.ts";
import { setup } from "./setup/setup.ts";
import { suite } from "./suite.ts";
import { bench, build, demo, lint } from "./verbs.ts";

const verbs: Record<string, (args: string[]) => Promise<number>> = {
  setup,
  build,
  lint,
  bench,
  start: demo,
  test: suite,
  paths: printPaths,
  docs,
};

const [verb = "", ...args] = process.argv.slice(2);
const run = verbs[verb];
if (run) {
  process.exitCode = await run(args);
} else {
  process.stderr.write(`usage: npm run ${Object.keys(verbs).join(" | ")}\n`);
  process.exitCode = 2;
}
