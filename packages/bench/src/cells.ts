import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { lua } from "@resty-ffi/nginx";
import type { Paths } from "@resty-ffi/scripts/paths";
import { get, startMeasuring } from "./nginx.ts";
import { cpuUs, pin, residentMb } from "./processes.ts";
import { startServices } from "./services.ts";

/** What one measurement says. */
export interface Sample {
  calls: number;
  seconds: number;
  p50_us: number;
  p99_us: number;
  cpu_us: number;
}

/** One thing that is measured, up and waiting. */
export interface Cell {
  what: string;
  host: string;
  measure(bytes: number, inFlight: number, seconds: number): Promise<Sample>;
  pin(pinned: boolean): void;
  /** Whether it can be measured this way. */
  takes(bytes: number, inFlight: number): boolean;
  rssMb(): number;
  stop(): Promise<void>;
}

const ECHO_SERVER = fileURLToPath(new URL("../dist/echo-server", import.meta.url));

/** An nginx that measures what the Lua expression gives. */
export async function nginxCell(
  what: string,
  expression: string,
  luaPath: string,
  env: Record<string, string>,
  server?: { process: ChildProcess; http: string },
): Promise<Cell> {
  const nginx = await startMeasuring({
    what: expression,
    luaPath,
    env,
    ...(server && { upstream: server.http }),
  });
  const pids = [nginx.pid, ...(server?.process.pid ? [server.process.pid] : [])];
  return {
    what,
    host: "nginx",
    takes: () => true,
    pin: (pinned) => pin(pids, pinned),
    rssMb: () => residentMb([nginx.pid]),
    stop: () => nginx.stop(),
    measure: async (bytes, inFlight, seconds) => {
      const before = cpuUs(pids);
      const query = `in_flight=${inFlight}&bytes=${bytes}&seconds=${seconds}`;
      const sample = JSON.parse(await get(nginx, `/measure?${query}`)) as Sample;
      // The CPU figure covers the warm-up as well; its calls are as many per second as those counted.
      const share = sample.seconds / (sample.seconds + 0.1);
      return { ...sample, cpu_us: (cpuUs(pids) - before) * share };
    },
  };
}

function floorCell(bin: string): Cell {
  let command: string[] = [];
  return {
    what: "floor",
    host: "c",
    takes: (bytes, inFlight) => bytes === 64 && inFlight === 1,
    pin: (pinned) => {
      command = pinned ? ["taskset", "-c", "0"] : [];
    },
    rssMb: () => 0,
    stop: async () => {},
    measure: async (_bytes, _inFlight, seconds) => {
      const [program = bin, ...args] = [...command, bin, String(seconds)];
      return JSON.parse(execFileSync(program, args, { encoding: "utf8" })) as Sample;
    },
  };
}

/** The echo server that the baselines talk to. */
async function echoServer(): Promise<{ process: ChildProcess; frames: string; http: string; stop(): void }> {
  const folder = mkdtempSync(join(tmpdir(), "resty-ffi-echo-"));
  const frames = join(folder, "frames.sock");
  const http = join(folder, "http.sock");
  const child = spawn(ECHO_SERVER, [frames, http], { stdio: ["ignore", "inherit", "inherit"] });
  for (let tries = 0; !existsSync(http); tries++) {
    if (tries > 100) throw new Error("the echo server did not start");
    await sleep(50);
  }
  return {
    process: child,
    frames,
    http,
    stop: () => {
      child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** All cells, floor first. `progress` hears what is being started. */
export async function startCells(paths: Paths, progress: (text: string) => void, only?: RegExp): Promise<Cell[]> {
  const dist = dirname(dirname(paths.lib));
  const cells: Cell[] = [];
  const wanted = (what: string): boolean => !only || only.test(what);
  const runtime = async (
    what: string,
    lib: string,
    cfg: string | null,
    env: Record<string, string>,
    options = "{}",
    how: "runtime" | "stream" = "runtime",
  ) => {
    if (!wanted(what)) return;
    progress(what);
    const expression = `what.${how}(${lua(lib)}, ${lua(cfg)}, ${options})`;
    cells.push(await nginxCell(what, expression, paths.lua, env));
  };
  try {
    if (wanted("floor")) cells.push(floorCell(join(dist, "bin", "floor")));
    const nohop = join(dist, "lib", "bench", "libffi_c_nohop.so");
    if (wanted("no-hop")) {
      progress("no-hop");
      cells.push(await nginxCell("no-hop", `what.no_hop(${lua(nohop)})`, paths.lua, {}));
    }
    const c = join(dist, "lib", "test", "libffi_c_echo2.so");
    await runtime("c/thread", c, null, {});
    await runtime("c/process", c, null, {}, "{ isolate = true }");
    for (const [language, { lib, cfg, env }] of Object.entries(paths.runtimes)) {
      // Measured as a user would run it: with the flags that the loader chooses.
      const { JAVA_OPTS: _, ...rest } = env;
      if (language !== "node") await runtime(`${language}/thread`, lib, cfg, rest);
      await runtime(`${language}/process`, lib, cfg, rest, language === "node" ? "{}" : "{ isolate = true }");
      await runtime(`${language}/stream`, lib, cfg, rest, "{}", "stream");
    }
    for (const what of ["unix-socket", "proxy_pass"].filter(wanted)) {
      progress(what);
      const server = await echoServer();
      const call = what === "unix-socket" ? `what.unix_socket(${lua(server.frames)})` : 'what.proxy_pass("/echo")';
      const cell = await nginxCell(what, call, paths.lua, {}, server);
      cells.push({ ...cell, stop: () => cell.stop().finally(server.stop) });
    }
    cells.push(...(await startServices(paths, progress, wanted)));
    return cells;
  } catch (error) {
    await Promise.all(cells.map((cell) => cell.stop()));
    throw error;
  }
}
