import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { clear, read } from "../tally/results.ts";

const TALLY = fileURLToPath(new URL("../tally/main.ts", import.meta.url));
const TSX = import.meta.resolve("tsx");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tally-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const args = (command: string[]): string[] => ["--import", TSX, TALLY, ...command];
const env = { ...process.env, npm_lifecycle_event: "lint" };

function tally(...command: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, args(command), { cwd: folder, env, encoding: "utf8" });
}

test("passes both streams through unchanged and records one check", () => {
  const run = tally("--", "sh", "-c", "printf 'no newline'; printf 'caf\\303\\251\\n' >&2");
  expect(run).toMatchObject({ status: 0, stdout: "no newline", stderr: "café\n" });
  expect(read(folder)).toMatchObject([{ task: "lint", passed: 1, failed: 0, exitCode: 0 }]);
});

test("gives the command's exit code", () => {
  expect(tally("--", "sh", "-c", "exit 7").status).toBe(7);
  expect(read(folder)).toMatchObject([{ passed: 0, failed: 1, exitCode: 7 }]);
});

test("a command that a signal ends has failed", () => {
  expect(tally("--", "sh", "-c", "kill -SEGV $$").status).toBe(139);
  expect(read(folder)).toMatchObject([{ failed: 1, exitCode: 139 }]);
});

test("a command that does not exist has failed, and says so", () => {
  const run = tally("--", "no-such-command-here");
  expect(run.status).toBe(127);
  expect(run.stderr).toContain("cannot run no-such-command-here");
  expect(read(folder)).toMatchObject([{ failed: 1, exitCode: 127 }]);
});

test("several commands of a task are kept apart", () => {
  tally("--", "echo", "3 passed, 0 failed");
  tally("--", "echo", "4 passed, 1 failed");
  expect(read(folder).map(({ passed, failed }) => [passed, failed])).toEqual([
    [3, 0],
    [4, 1],
  ]);
  clear(folder);
  expect(read(folder)).toEqual([]);
});

test("without a command it explains itself", () => {
  const run = tally("vitest");
  expect(run.status).toBe(2);
  expect(run.stderr).toContain("usage: tally -- command");
});

test("a signal reaches the command, and its end is waited for", async () => {
  const script = "trap 'echo stopped; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
  const child = spawn(process.execPath, args(["--", "sh", "-c", script]), { cwd: folder, env });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
    if (output === "ready\n") child.kill("SIGTERM");
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect([code, output]).toEqual([3, "ready\nstopped\n"]);
});
