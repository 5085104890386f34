import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { command } from "./command.ts";
import { ROOT } from "./environment.ts";
import type { Ending } from "./summary.ts";

/** Runs a task in every workspace that defines it, after the builds that the task needs. */
export function turbo(task: string, args: string[] = []): Promise<number> {
  return command("turbo", ["run", task, "--log-order=stream", ...args]);
}

/**
 * Runs a task as {@link turbo} does, and returns how it ended in each workspace. A run without a summary counts as a
 * failed build.
 */
export async function turboEndings(task: string, args: string[]): Promise<Ending[]> {
  const before = new Set(summaries());
  const exitCode = await turbo(task, ["--summarize", ...args]);
  const [file] = summaries().filter((name) => !before.has(name));
  if (file === undefined) return [{ workspace: "turbo", task: "build", exitCode: exitCode || 1 }];
  const { tasks } = JSON.parse(readFileSync(file, "utf8")) as { tasks: TurboTask[] };
  rmSync(file);
  return tasks
    .filter(({ execution }) => execution !== undefined)
    .map(({ package: workspace, task, execution }) => ({ workspace, task, exitCode: execution?.exitCode ?? 1 }));
}

interface TurboTask {
  package: string;
  task: string;
  execution?: { exitCode?: number | null };
}

function summaries(): string[] {
  const folder = join(ROOT, ".turbo", "runs");
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}
