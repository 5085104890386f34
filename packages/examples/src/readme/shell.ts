import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";

/** Keeps what a command prints apart from what comes after it. */
const END = randomUUID();

/** What a build may take that has to fetch and compile everything. */
const BUILD_S = 800;

/** What still runs then is killed. */
const GRACE_MS = 10_000;

/** A bash that commands are typed into, one after the other. */
export class Shell {
  readonly #bash: ChildProcessWithoutNullStreams;
  readonly #exited: Promise<unknown>;
  #output = "";
  #errors = "";
  #news: () => void = () => undefined;

  constructor(folder: string, env: NodeJS.ProcessEnv) {
    // In a group of its own, which it ends with itself: also when its input ends because this process was killed.
    this.#bash = spawn("bash", ["--noprofile", "--norc"], { cwd: folder, env, detached: true });
    this.#exited = once(this.#bash, "close").finally(() => this.#news());
    this.#bash.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text;
      this.#news();
    });
    this.#bash.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#errors += text;
    });
    this.#bash.stdin.write(`trap 'trap "" TERM; kill -TERM 0; wait' EXIT\n`);
  }

  /** What all of them have said on standard error. */
  get errors(): string {
    return this.#errors;
  }

  get #ended(): boolean {
    return this.#bash.exitCode !== null || this.#bash.signalCode !== null;
  }

  /** Resolves with what it has printed; rejects if it fails or takes too long, with what it said. */
  async run(command: string, { mayFail = false, seconds = BUILD_S } = {}): Promise<string> {
    const late = performance.now() + 1000 * seconds;
    const [before, errorsBefore] = [this.#output.length, this.#errors.length];
    this.#bash.stdin.write(`${command}\ncode=$?; echo; echo "${END} $code"\n`);
    for (;;) {
      const found = new RegExp(`\n${END} (\\d+)\n`).exec(this.#output.slice(before));
      if (found) {
        const output = this.#output.slice(before, before + found.index);
        if (found[1] === "0" || mayFail) return output;
        throw new Error(`${command}\nended with ${found[1]}:\n${output}${this.#errors.slice(errorsBefore)}`);
      }
      if (this.#ended) throw new Error(`The shell ended in ${command}\n${this.#errors}`);
      const left = late - performance.now();
      if (left <= 0) throw new Error(`${command}\ndoes not end in ${seconds} s:\n${this.#errors.slice(errorsBefore)}`);
      await this.#change(left);
    }
  }

  async #change(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#news = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
  }

  /** Starts it, and leaves it running. */
  start(command: string): Promise<string> {
    return this.run(`${command} &`);
  }

  /** Ends it, and all that it has started. */
  async close(): Promise<void> {
    // It ends by itself, and all the others with it, unless it waits for a command that does not.
    if (!this.#ended) this.#bash.stdin.end();
    const late = setTimeout(() => process.kill(-(this.#bash.pid as number), "SIGKILL"), GRACE_MS);
    await this.#exited;
    clearTimeout(late);
  }
}
