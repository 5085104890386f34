import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "@resty-ffi/scripts/ports";
import { type Program, program } from "./program.ts";

/** The arguments of {@link startNginx}. */
export interface NginxOptions {
  /** For the name of the scratch folder. */
  name: string;
  /** The port on 127.0.0.1; a free port by default. */
  port?: number;
  /** The body of the `http` block. `folder` is the scratch folder. */
  http: (at: { port: number; folder: string }) => string;
  /** Further directives for the top level, such as `worker_shutdown_timeout 5s;`. */
  main?: string;
  /** Environment variables for the master and its workers. */
  env?: Record<string, string>;
  workers?: number;
  /** The level of error.log; default `info`. */
  logLevel?: string;
  /** Aborts the start: {@link startNginx} ends nginx and rejects. */
  signal?: AbortSignal;
}

/** A running nginx, started by {@link startNginx} and ended by {@link Nginx.stop}. */
export interface Nginx {
  port: number;
  /** The process id of the master. */
  pid: number;
  folder: string;
  /** The content of error.log. */
  log(): string;
  /** Resolves with the exit code, or null after a signal, when the master has ended. */
  exited: Promise<number | null>;
  reload(): void;
  /** Ends it gracefully; kills it after `graceMs`. Removes the scratch folder unless `keep` is set. */
  stop(options?: { graceMs?: number; keep?: boolean }): Promise<void>;
}

/** A port on 127.0.0.1 on which nothing listens. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

function configuration(options: NginxOptions, { modules }: Program, port: number, folder: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
${modules.map((file) => `load_module ${file};`).join("\n")}
${process.getuid?.() === 0 ? "user root;" : ""}
daemon off;
worker_processes ${options.workers ?? 1};
pid nginx.pid;
error_log error.log ${options.logLevel ?? "info"};
${Object.keys(options.env ?? {})
  .map((name) => `env ${name};`)
  .join("\n")}
${options.main ?? ""}
events { worker_connections 4096; }
http {
access_log off;
${temporary.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join("\n")}
${options.http({ port, folder })}
}
`;
}

/** The arguments that make error.log the log from the start. */
function logArguments({ namesLog }: Program, folder: string): string[] {
  if (namesLog) return ["-e", "error.log"];
  mkdirSync(join(folder, "logs"));
  symlinkSync("../error.log", join(folder, "logs", "error.log"));
  return [];
}

/** Kills the remaining processes of the group: workers continue after their master has been killed. */
function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // No process remains.
  }
}

async function listening(port: number, child: ChildProcess): Promise<boolean> {
  for (let tries = 0; tries < 600; tries++) {
    if (child.exitCode !== null || child.signalCode !== null) return false;
    try {
      await fetch(`http://127.0.0.1:${port}/`, { method: "HEAD", signal: AbortSignal.timeout(30_000) });
      return true;
    } catch {
      await sleep(50);
    }
  }
  return false;
}

/**
 * Starts nginx in a scratch folder with ngx_lua loaded, and waits until it answers anything. A worker answers only
 * after its init_worker handlers, so the runtimes that they load serve by then.
 */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), `resty-ffi-${options.name}-`));
  const port = options.port ?? (await freePort());
  const chosen = program();
  writeFileSync(join(folder, "nginx.conf"), configuration(options, chosen, port, folder));
  const child = spawn(chosen.path, ["-p", folder, "-c", "nginx.conf", ...logArguments(chosen, folder)], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...(chosen.lua && { LUA_PATH: `${chosen.lua}/?.lua;;` }), ...options.env },
    // A process group of its own: Ctrl-C on the terminal is for the program that started it.
    detached: true,
  });
  const exited = once(child, "exit").then(([code]) => {
    killGroup(child);
    return code as number | null;
  });
  const logFile = join(folder, "error.log");
  const nginx: Nginx = {
    port,
    pid: child.pid ?? 0,
    folder,
    exited,
    log: () => (existsSync(logFile) ? readFileSync(logFile, "utf8") : ""),
    reload: () => void child.kill("SIGHUP"),
    stop: async ({ graceMs = 10_000, keep = false } = {}) => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGQUIT");
        const late = setTimeout(() => child.kill("SIGTERM"), graceMs);
        const tooLate = setTimeout(() => killGroup(child), graceMs + 2000);
        await exited;
        clearTimeout(late);
        clearTimeout(tooLate);
      }
      if (!keep) rmSync(folder, { recursive: true, force: true });
    },
  };
  const abort = (): void => void nginx.stop({ graceMs: 1000, keep: true });
  options.signal?.addEventListener("abort", abort, { once: true });
  if (options.signal?.aborted) abort();
  if (await listening(port, child)) {
    options.signal?.removeEventListener("abort", abort);
    return nginx;
  }
  const lines = nginx.log().trim().split("\n").slice(-8).join("\n");
  await nginx.stop({ graceMs: 1000 });
  if (options.signal?.aborted) throw new Error("nginx was stopped while it started.");
  throw new Error(`nginx did not start:\n${lines}`);
}
