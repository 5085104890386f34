#!/usr/bin/env -S node --import tsx
/*
 * tally -- command args…
 *
 * Runs a test or lint command in the current workspace, passes its output through and ends with its exit code. It
 * leaves the numbers of passed and failed checks in `.results/`, where `npm test` adds them up.
 */
import { record } from "./results.ts";
import { run } from "./run.ts";

const [separator, command, ...args] = process.argv.slice(2);
if (separator !== "--" || command === undefined) {
  process.stderr.write("usage: tally -- command [argument]…\n");
  process.exit(2);
}

const start = performance.now();
const { counts, exitCode, tail } = await run(command, args);
record(process.cwd(), {
  task: process.env.npm_lifecycle_event ?? "test",
  command: [command, ...args].join(" "),
  exitCode,
  seconds: Math.round(performance.now() - start) / 1000,
  ...counts,
  ...(tail && { tail }),
});
process.exitCode = exitCode;
