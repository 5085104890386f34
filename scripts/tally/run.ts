import { spawn } from "node:child_process";
import { constants } from "node:os";
import { StringDecoder } from "node:string_decoder";
import { Counter, type Counts } from "./counts.ts";

export interface Run {
  counts: Counts;
  /** As in a shell: 128 + the signal's number if a signal ended the command, 127 if the command could not start. */
  exitCode: number;
  /** The last lines of a command that failed: runners explain their failures there. */
  tail?: string[];
}

const TAIL_LINES = 120;

/** Runs a command, passes its output through unchanged and counts the checks in it. */
export function run(command: string, args: string[]): Promise<Run> {
  const label = [command, ...args].join(" ");
  const counter = new Counter();
  const child = spawn(command, args, { stdio: ["inherit", "pipe", "pipe"] });
  const out = new StringDecoder("utf8");
  const err = new StringDecoder("utf8");
  let tail = "";
  const feed = (text: string, stream: 0 | 1): void => {
    counter.feed(text, stream);
    tail = (tail + text).slice(-16_384);
  };
  child.stdout.on("data", (chunk: Buffer) => feed(out.write(chunk), 0));
  child.stderr.on("data", (chunk: Buffer) => feed(err.write(chunk), 1));
  child.stdout.pipe(process.stdout, { end: false });
  child.stderr.pipe(process.stderr, { end: false });

  // Signals are forwarded: the command decides how it ends, and that is reported.
  const forward = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, forward);

  return new Promise((resolve) => {
    const end = (exitCode: number): void => {
      for (const signal of signals) process.off(signal, forward);
      const counts = counter.finish(label, exitCode);
      resolve(exitCode === 0 ? { counts, exitCode } : { counts, exitCode, tail: tail.split("\n").slice(-TAIL_LINES) });
    };
    child.on("error", (error) => {
      process.stderr.write(`tally: cannot run ${command}: ${error.message}\n`);
      end(127);
    });
    child.on("close", (code, signal) => end(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}
