import { setTimeout as delay } from "node:timers/promises";
import { commandOf, descendants, threads } from "@resty-ffi/scripts/processes";
import { connectionsTo } from "@resty-ffi/services";
import { expect, test } from "vitest";
import { Example } from "./example.ts";
import type { Language, Name } from "./places.ts";

const CYCLES = 5;
/** A pool of a language's own may take another thread at any time, most at first; a leak takes one in each cycle. */
const SPARE_THREADS = CYCLES - 2;

interface Server {
  address: string;
  config: unknown;
  /** What the tests before have used: unloaded first, since it would connect again whenever it likes. */
  served: Example;
}

/**
 * Loads the example, uses it and unloads it again and again, and looks what is left. Streams that `use`
 * opens are open when the runtime is unloaded. The last test of its file.
 */
export function unloads(
  language: Language,
  name: Name,
  server: () => Server,
  use: (example: Example) => Promise<void>,
): void {
  test("unload closes the connections and ends the threads", async () => {
    const { address, config, served } = server();
    // Spaces make another key, and so another runtime.
    let spaces = "";
    const cycle = async () => {
      spaces += " ";
      const example = await Example.load(language, name, JSON.stringify(config) + spaces);
      await use(example);
      example.unload();
    };
    // The servers, which have connections to each other or to themselves; and what is still ending.
    const before = processes();
    const left = () => {
      const own = processes().filter(({ pid }) => !before.some((other) => other.pid === pid));
      return {
        connections: connectionsTo(address, [process.pid, ...own.map(({ pid }) => pid)]),
        processes: own.map(({ pid, command }) => `${pid} ${command}`),
      };
    };
    const nothing = { connections: 0, processes: [] };
    served.unload();
    await cycle();
    await expect.poll(left).toEqual(nothing);
    const growth = async () => {
      const before = threads(process.pid);
      for (let i = 0; i < CYCLES; i++) await cycle();
      await expect.poll(left).toEqual(nothing);
      for (let tries = 0; tries < 100 && threads(process.pid) > before + SPARE_THREADS; tries++) await delay(50);
      return threads(process.pid) - before;
    };
    let grown = await growth();
    for (let round = 0; round < 4 && grown > SPARE_THREADS; round++) grown = await growth();
    expect(grown).toBeLessThanOrEqual(SPARE_THREADS);
  });
}

/** The processes that this one has started, and those that they have started. */
function processes(): { pid: number; command: string }[] {
  return descendants(process.pid).map((pid) => ({ pid, command: commandOf(pid).slice(0, 100) }));
}
