import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../dist/echo-server", import.meta.url));

/** The server that a baseline talks to. */
export interface EchoServer {
  pid: number;
  /** The paths of its unix sockets for frames and for HTTP. */
  frames: string;
  http: string;
  stop(): void;
}

export async function startEchoServer(): Promise<EchoServer> {
  const folder = mkdtempSync(join(tmpdir(), "resty-ffi-echo-"));
  const frames = join(folder, "frames.sock");
  const http = join(folder, "http.sock");
  const child = spawn(PROGRAM, [frames, http], { stdio: ["ignore", "inherit", "inherit"] });
  const stop = (): void => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tries = 0; !existsSync(http); tries++) {
    if (tries > 100) {
      stop();
      throw new Error("the echo server did not start");
    }
    await sleep(50);
  }
  return { pid: child.pid ?? 0, frames, http, stop };
}
