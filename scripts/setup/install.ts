import { spawn } from "node:child_process";
import { environment, ROOT } from "../environment.ts";
import { step } from "./progress.ts";

const LAST_LINES = 40;

/**
 * Runs one command of the set-up and shows its output as the step's detail. If the command fails, its last lines are
 * shown, and the error names the command.
 */
export async function install(
  title: string,
  program: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  const shown = step(title);
  const lines: string[] = [];
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { ...environment(), ...env },
    // sudo asks for the password on the terminal itself.
    stdio: ["inherit", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      for (const line of chunk.split(/[\r\n]+/).filter(Boolean)) {
        lines.push(line);
        shown.detail(line.trim());
      }
      lines.splice(0, lines.length - LAST_LINES);
    });
  }
  const code = await new Promise<number | string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (status, signal) => resolve(status ?? signal ?? "unknown"));
  });
  if (code !== 0) {
    shown.failed(title);
    process.stderr.write(`${lines.join("\n")}\n`);
    throw new Error(`This command failed (${code}): ${[program, ...args].join(" ")}`);
  }
  shown.done();
}
