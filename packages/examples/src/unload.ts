import { connectionsTo } from "@resty-ffi/services";
import { expect, test } from "vitest";
import { Example } from "./example.ts";
import { processes, threads } from "./held.ts";
import type { Language, Name } from "./places.ts";

const CYCLES = 5;
/** A pool of a language's own may take another thread at any time; one that leaks takes one in each cycle. */
const SPARE_THREADS = CYCLES - 2;

/**
 * Loads the example, uses it and unloads it again and again, and looks what is left. Streams that `use`
 * opens are open when the runtime is unloaded.
 */
export function unloads(
  language: Language,
  name: Name,
  server: () => { address: string; config: unknown },
  use: (example: Example) => Promise<void>,
): void {
  test("unload closes the connections and ends the threads", async () => {
    const { address, config } = server();
    // Spaces make another key, and so another runtime.
    let spaces = "";
    const cycle = async () => {
      spaces += " ";
      const example = await Example.load(language, name, JSON.stringify(config) + spaces);
      await use(example);
      example.unload();
    };
    const before = { connections: connectionsTo(address), processes: processes() };
    // Of runtimes before this test some may still be ending.
    const more = () => ({
      connections: Math.max(0, connectionsTo(address) - before.connections),
      processes: processes().filter((process) => !before.processes.includes(process)),
    });
    const none = { connections: 0, processes: [] };
    await cycle();
    await expect.poll(more, { timeout: 10_000 }).toEqual(none);
    const threadsBefore = threads();
    for (let i = 0; i < CYCLES; i++) await cycle();
    await expect.poll(more, { timeout: 10_000 }).toEqual(none);
    await expect.poll(threads, { timeout: 10_000 }).toBeLessThanOrEqual(threadsBefore + SPARE_THREADS);
  });
}
