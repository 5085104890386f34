import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Counts } from "./counts.ts";

/** The result of one counted command in a workspace's script. */
export interface Result extends Counts {
  /** The workspace's script that ran the command: `test`, `lint`, … */
  task: string;
  command: string;
  exitCode: number;
  seconds: number;
  /** The last lines of its output, if the command failed. */
  tail?: string[];
}

/** The folder of a workspace that holds its results; git ignores it. */
export const RESULTS = ".results";

/** Stores a result in `workspace` under a unique name, so that several commands can run at once. */
export function record(workspace: string, result: Result): void {
  const folder = join(workspace, RESULTS);
  mkdirSync(folder, { recursive: true });
  const name = `${result.task}-${Date.now()}-${process.pid}.json`;
  // A reader must never see half a file.
  writeFileSync(join(folder, `.${name}`), `${JSON.stringify(result, null, 2)}\n`);
  renameSync(join(folder, `.${name}`), join(folder, name));
}

/** The results of a workspace in the order in which they were recorded. */
export function read(workspace: string): Result[] {
  let names: string[];
  try {
    names = readdirSync(join(workspace, RESULTS));
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith(".json") && !name.startsWith("."))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(workspace, RESULTS, name), "utf8")) as Result);
}

/** Deletes the results of earlier runs. */
export function clear(workspace: string): void {
  rmSync(join(workspace, RESULTS), { recursive: true, force: true });
}
