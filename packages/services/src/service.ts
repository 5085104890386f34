import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { stop } from "@resty-ffi/scripts/processes";

/** A running server. The caller that starts it ends it with {@link Service.stop}. */
export interface Service {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** The process id; {@link Service.restart} changes it. */
  readonly pid: number;
  /** The output of the server so far. */
  log(): string;
  /** Sends SIGKILL, like a crash. The port and the data are kept for {@link Service.restart}. */
  kill(): Promise<void>;
  /** Kills the server if it runs, and starts it again on the same port with the same data. */
  restart(): Promise<void>;
  /** Sends SIGSTOP: the server accepts connections but does not answer. */
  pause(): Promise<void>;
  /** Sends SIGCONT. */
  resume(): void;
  /** Kills the server and removes its folder. */
  stop(): Promise<void>;
}

/** How to run a server. */
export interface Program {
  /** The name in messages. */
  name: string;
  /** The working directory, which holds the data; {@link Service.stop} removes it. */
  folder: string;
  address: string;
  command: string[];
  /** Whether the server is ready; `log` is its output since this start. */
  ready: (log: string) => Promise<boolean>;
}

/** A JVM that normally starts in four seconds takes more than a minute on a busy machine. */
export const START_TIMEOUT_MS = 180_000;

/**
 * The kernel kills the server when the thread that started it ends for any reason. The shell checks whether the thread
 * had ended before the request to the kernel.
 */
const WITH_US = ["--pdeathsig", "KILL", "--", "sh", "-c", '[ "$PPID" = "$0" ] && exec "$@"', String(process.pid)];

/** Starts a server and waits until it is ready. Otherwise it rejects with the last lines of the log. */
export async function startService(program: Program): Promise<Service> {
  const server = new Server(program);
  try {
    await server.restart();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class Server implements Service {
  readonly #program: Program;
  readonly #logFile: string;
  readonly #removeFolder = () => {
    if (this.#runs) this.#child?.kill("SIGKILL");
    rmSync(this.#program.folder, { recursive: true, force: true });
  };
  #child: ChildProcess | undefined;
  /** Why the server could not be started at all. */
  #failure: Error | undefined;

  constructor(program: Program) {
    this.#program = program;
    this.#logFile = join(program.folder, "server.log");
    process.once("exit", this.#removeFolder);
  }

  get address(): string {
    return this.#program.address;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get #runs(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  log(): string {
    return existsSync(this.#logFile) ? readFileSync(this.#logFile, "utf8") : "";
  }

  async kill(): Promise<void> {
    if (!this.#runs || !this.#child) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }

  async restart(): Promise<void> {
    await this.kill();
    const before = this.log().length;
    this.#spawn();
    const late = performance.now() + START_TIMEOUT_MS;
    while (!(await this.#program.ready(this.log().slice(before)))) {
      if (this.#failure) throw this.#failure;
      if (!this.#runs) throw this.#explained("ended while it started");
      if (performance.now() > late) throw this.#explained(`does not serve after ${START_TIMEOUT_MS / 1000} s`);
      await delay(20);
    }
    // The answer may have come from another server on the same port.
    if (!this.#runs) throw this.#explained("ended while it started");
  }

  async pause(): Promise<void> {
    await stop(this.#target("SIGSTOP"));
  }

  resume(): void {
    process.kill(this.#target("SIGCONT"), "SIGCONT");
  }

  async stop(): Promise<void> {
    await this.kill();
    process.removeListener("exit", this.#removeFolder);
    this.#removeFolder();
  }

  #spawn(): void {
    const { command, folder } = this.#program;
    const log = openSync(this.#logFile, "a");
    // A process group of its own: Ctrl-C on the terminal is for the program that started it.
    const child = spawn("setpriv", [...WITH_US, ...command], {
      cwd: folder,
      stdio: ["ignore", log, log],
      detached: true,
    });
    closeSync(log);
    this.#failure = undefined;
    child.on("error", (error) => {
      this.#failure = new Error(`setpriv, which starts ${this.#program.name}, cannot be run (${error.message}).`);
    });
    this.#child = child;
  }

  /** The pid of the running server, for a signal. */
  #target(signal: NodeJS.Signals): number {
    if (!this.#runs) throw new Error(`${this.#program.name} does not run: it gets no ${signal}.`);
    return this.pid;
  }

  #explained(what: string): Error {
    const lines = this.log().trim().split("\n").slice(-8).join("\n");
    return new Error(`${this.#program.name} on ${this.address} ${what}. The end of its log:\n${lines}`);
  }
}
