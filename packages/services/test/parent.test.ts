import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ended, folderOf } from "@resty-ffi/scripts/processes";
import { expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

async function start(name: string): Promise<{ parent: ChildProcess; pid: number }> {
  const parent = spawn(process.execPath, ["--import", "tsx", MAIN, name], { stdio: ["pipe", "pipe", "inherit"] });
  if (!parent.stdout) throw new Error("There is no output to read.");
  const [line] = (await once(createInterface(parent.stdout), "line")) as [string];
  return { parent, pid: (JSON.parse(line) as { pid: number }).pid };
}

test.each(["etcd", "kafka", "fake-kafka", "grpc"])("%s does not survive a kill of its parent", async (name) => {
  const { parent, pid } = await start(name);
  const folder = folderOf(pid);
  expect(ended(pid)).toBe(false);
  parent.kill("SIGKILL");
  await expect.poll(() => ended(pid)).toBe(true);
  rmSync(folder, { recursive: true });
});

test.each<[string, (parent: ChildProcess) => void]>([
  ["the end of its input", (parent) => parent.stdin?.end()],
  ["Ctrl-C", (parent) => parent.kill("SIGINT")],
])("the command ends in order after %s", async (_, end) => {
  const { parent, pid } = await start("etcd");
  const folder = folderOf(pid);
  end(parent);
  expect(await once(parent, "exit")).toEqual([0, null]);
  expect(ended(pid)).toBe(true);
  expect(existsSync(folder)).toBe(false);
});

test("the command names what there is", async () => {
  const parent = spawn(process.execPath, ["--import", "tsx", MAIN, "mysql"], { stdio: ["ignore", "ignore", "pipe"] });
  const [[text]] = await Promise.all([once(parent.stderr, "data"), once(parent, "exit")]);
  expect(String(text)).toContain("etcd, kafka, fake-kafka, grpc");
});
