import { spawn } from "node:child_process";
import { constants } from "node:os";
import { StringDecoder } from "node:string_decoder";
import { Counter, type Counts } from "./counts.ts";

export interface Run {
  counts: Counts;
  /** As a shell would give it: 128 + the signal's number where a signal ended the command, 127 where it could not start. */
  exitCode: number;
}

/** Runs a command, lets its output through byte by byte and counts the checks in it. */
export function run(command: string, args: string[]): Promise<Run> {
  const label = [command, ...args].join(" ");
  const counter = new Counter();
  const child = spawn(command, args, { stdio: ["inherit", "pipe", "pipe"] });
  const out = new StringDecoder("utf8");
  const err = new StringDecoder("utf8");
  child.stdout.on("data", (chunk: Buffer) => counter.feed(out.write(chunk), 0));
  child.stderr.on("data", (chunk: Buffer) => counter.feed(err.write(chunk), 1));
  child.stdout.pipe(process.stdout, { end: false });
  child.stderr.pipe(process.stderr, { end: false });

  // A signal for us is a signal for the command; it decides how it ends, and we report that.
  const forward = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, forward);

  return new Promise((resolve) => {
    const end = (exitCode: number): void => {
      for (const signal of signals) process.off(signal, forward);
      resolve({ counts: counter.finish(label, exitCode), exitCode });
    };
    child.on("error", (error) => {
      process.stderr.write(`tally: cannot run ${command}: ${error.message}\n`);
      end(127);
    });
    child.on("close", (code, signal) => end(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}
