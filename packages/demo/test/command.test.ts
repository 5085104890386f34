import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "@resty-ffi/nginx";
import { commandOf, family, survivors } from "@resty-ffi/scripts/processes";
import { describe, expect, it } from "vitest";

const FOLDER = fileURLToPath(new URL("..", import.meta.url));

interface Demo {
  child: ChildProcess;
  pid: number;
  /** All that it has written so far. */
  text(): string;
  ended: Promise<number | null>;
}

/** What `npm start` runs once everything is built. */
function start(PORT: string): Demo {
  const child = spawn(process.execPath, ["--import", "tsx", "src/main.ts"], {
    cwd: FOLDER,
    env: { ...process.env, PORT },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (text += chunk));
  const ended = once(child, "close").then(([code]) => code as number | null);
  return { child, pid: child.pid ?? 0, text: () => text, ended };
}

async function until(demo: Demo, words: string): Promise<void> {
  while (!demo.text().includes(words)) {
    if (demo.child.exitCode !== null) throw new Error(`it ended: ${demo.text()}`);
    await sleep(10);
  }
}

describe("PORT", () => {
  it.each(["http", "0", "65536", "-1", "80.5"])("refuses %s", async (port) => {
    const demo = start(port);
    expect(await demo.ended).toBe(1);
    expect(demo.text()).toBe(`PORT must be a number from 1 to 65535, not "${port}".\n`);
  });

  it("says when it is in use, and what to do", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const demo = start(String(port));
    expect(await demo.ended).toBe(1);
    expect(demo.text()).toMatch(/^Port \d+ is in use: choose another port, for example PORT=\d+ npm start\.\n$/);
    server.close();
  });
});

describe("once it serves", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("says what runs, and %s stops everything", async (signal) => {
    const port = await freePort();
    const demo = start(String(port));
    await until(demo, "Ctrl-C stops everything.");
    expect(demo.text()).toContain(`http://127.0.0.1:${port}\n`);
    for (const language of ["go", "rust", "python", "java", "node"]) {
      expect(demo.text()).toMatch(
        new RegExp(`^ {2}${language} +\\d+\\.\\S+ \\((thread|process)\\), up after \\d+ ms$`, "m"),
      );
    }
    const running = family(demo.pid);
    // Itself, the master, the worker, and Node as its child.
    expect(running.length).toBeGreaterThanOrEqual(4);
    demo.child.kill(signal);
    expect(await demo.ended).toBe(0);
    expect(await survivors(running, 1000)).toEqual([]);
  });

  it("takes everything along when it is killed", async () => {
    const demo = start(String(await freePort()));
    await until(demo, "Ctrl-C stops everything.");
    const running = family(demo.pid);
    demo.child.kill("SIGKILL");
    await demo.ended;
    expect(await survivors(running, 10_000)).toEqual([]);
  });

  it("ends, and says why, when nginx does", async () => {
    const demo = start(String(await freePort()));
    await until(demo, "Ctrl-C stops everything.");
    const running = family(demo.pid);
    const master = running.find(({ pid, parent }) => parent === demo.pid && commandOf(pid).startsWith("nginx"));
    process.kill(master?.pid ?? 0, "SIGKILL");
    expect(await demo.ended).toBe(1);
    expect(demo.text()).toContain("nginx ended by itself:\n");
    expect(await survivors(running, 5000)).toEqual([]);
  });
});

describe("while it starts", () => {
  // After these ms it has just begun, has started nginx, is in the middle of loading, has nearly finished.
  it.each([0, 30, 120, 300, 600])("SIGINT after %i ms stops everything", async (delay) => {
    const demo = start(String(await freePort()));
    await until(demo, "Starting nginx");
    await sleep(delay);
    const seen = family(demo.pid);
    demo.child.kill("SIGINT");
    while (demo.child.exitCode === null && demo.child.signalCode === null) {
      seen.push(...family(demo.pid));
      await sleep(5);
    }
    expect(await demo.ended).toBe(0);
    expect(await survivors(seen, 1000)).toEqual([]);
  });
});
