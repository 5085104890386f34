import { spawn } from "node:child_process";
import { constants } from "node:os";
import { environment, ROOT } from "./environment.ts";

/**
 * Runs a command on this process's terminal and returns its exit code as a shell would. Signals that ask this process
 * to stop are forwarded, and it ends only after the command, so that nothing is left running.
 */
export function command(program: string, args: string[], options: { cwd?: string } = {}): Promise<number> {
  const child = spawn(program, args, { cwd: options.cwd ?? ROOT, env: environment(), stdio: "inherit" });
  const forward = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, forward);
  return new Promise((resolve) => {
    const end = (code: number): void => {
      for (const signal of signals) process.off(signal, forward);
      resolve(code);
    };
    child.on("error", (error) => {
      process.stderr.write(`cannot run ${program}: ${error.message}\n`);
      end(127);
    });
    child.on("exit", (code, signal) => end(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}
