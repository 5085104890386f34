import { readdirSync, readFileSync } from "node:fs";

/** The processes below this one. */
export function descendants(pid = process.pid): number[] {
  let children: number[] = [];
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const text = readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").trim();
      if (text) children = children.concat(text.split(" ").map(Number));
    }
  } catch {
    // It has ended meanwhile.
  }
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/** Runs `load` and tells which processes it started: the runner's first, then the runtime's. */
export async function started<T>(load: () => Promise<T>): Promise<{ value: T; pids: number[] }> {
  const before = new Set(descendants());
  const value = await load();
  return { value, pids: descendants().filter((pid) => !before.has(pid)) };
}

/** Stops a process; each of its threads has come to a halt. */
export async function stopped(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  const running = (thread: string) => !/^State:\tT/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8"));
  while (readdirSync(`/proc/${pid}/task`).some(running)) await new Promise((resolve) => setTimeout(resolve, 1));
}
