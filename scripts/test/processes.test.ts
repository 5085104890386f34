import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  children,
  commandOf,
  cpuSeconds,
  descendants,
  descriptors,
  ended,
  environmentOf,
  family,
  folderOf,
  ownMemory,
  proportionalMemory,
  resident,
  stop,
  survivors,
  threads,
} from "../processes/index.ts";

let shell: ChildProcess;
let pid: number;
/** What the shell has started. */
let sleeper: number;

beforeEach(async () => {
  shell = spawn("sh", ["-c", "sleep 600 & echo $!; wait"], {
    cwd: "/",
    env: { ...process.env, ODD: "a=b=c" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = await once(shell.stdout as NodeJS.ReadableStream, "data");
  pid = shell.pid as number;
  sleeper = Number(String(line));
});
afterEach(() => {
  shell.kill("SIGKILL");
  try {
    process.kill(sleeper, "SIGKILL");
  } catch {
    // It has ended.
  }
});

test("the tree: children, descendants, the family", () => {
  expect(children(process.pid)).toContain(pid);
  expect(children(process.pid)).not.toContain(sleeper);
  expect(children(pid)).toEqual([sleeper]);
  const all = descendants(process.pid);
  expect(all.indexOf(sleeper)).toBe(all.indexOf(pid) + 1);
  expect(family(pid).map((process) => process.pid)).toEqual([pid, sleeper]);
  expect(descendants(sleeper)).toEqual([]);
});

test("a killed process has ended, whether it is reaped or not", async () => {
  expect(ended(pid)).toBe(false);
  const [, before] = family(pid);
  const exit = once(shell, "exit");
  shell.kill("SIGKILL");
  await exit;
  expect(ended(pid)).toBe(true);
  expect(await survivors(before ? [before] : [], 50)).toEqual([sleeper]);
  process.kill(sleeper, "SIGKILL");
  await expect.poll(() => ended(sleeper)).toBe(true);
  expect(await survivors(before ? [before] : [], 20_000)).toEqual([]);
});

test("another process of the same pid is not a survivor", async () => {
  const old = family(pid).map((process) => ({ ...process, started: process.started - 1 }));
  expect(await survivors(old, 20_000)).toEqual([]);
});

test("a stopped process stands still when stop returns", async () => {
  await stop(sleeper);
  expect(family(pid).find((process) => process.pid === sleeper)?.state).toBe("T");
});

test("what a process was started with", () => {
  expect(commandOf(pid)).toMatch(/^sh -c sleep 600/);
  expect(environmentOf(pid).ODD).toBe("a=b=c");
  expect(folderOf(pid)).toBe("/");
});

test("what a process uses", () => {
  const here = process.pid;
  expect(resident(here)).toBeGreaterThan(ownMemory(here));
  expect(proportionalMemory(here)).toBeGreaterThan(1);
  expect(resident(here)).toBeLessThan(16_384);
  expect(threads(here)).toBeGreaterThan(1);
  expect(threads(sleeper)).toBe(1);
  expect(descriptors(here)).toBeGreaterThan(descriptors(sleeper));
  expect(cpuSeconds(here)).toBeGreaterThanOrEqual(process.cpuUsage().user / 1e6 - 1);
});
