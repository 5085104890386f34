import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { lua } from "@resty-ffi/nginx";
import { descendants, resident } from "@resty-ffi/scripts/processes";
import { expect, test } from "vitest";
import { Nginx } from "../../src/nginx/nginx.js";
import { LANGUAGES, runtimeOf } from "../../src/places.js";

/** Clients that go away, in each of several rounds; how many at once. */
const ABORTS = process.env.NIGHTLY === "1" ? 100_000 : 3000;
const AT_ONCE = 100;
/** MB that the last rounds may add. */
const GROWTH = 6;

/** Sends a request and closes the connection while the handler waits. */
function abort(port: number, path: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`);
      setTimeout(() => socket.destroy(), 5 + Math.random() * 10);
    });
    socket.on("error", () => {}); // nginx may reset a connection that it finds half closed
    socket.on("close", () => resolve());
  });
}

test.each(LANGUAGES)(
  `${ABORTS} clients that go away leave memory where it was: %s`,
  async (language) => {
    const { lib, cfg, env } = runtimeOf(language);
    const nginx = await Nginx.start({ env });
    try {
      await nginx.lua(`assert(fixture.load("rt", ${lua(lib)}, ${lua(cfg)}, { load_timeout = 60 }))`);
      const [worker = 0] = nginx.workers;
      const pids = [worker, ...descendants(worker)];
      const round = async () => {
        for (let sent = 0; sent < ABORTS / 3; sent += AT_ONCE) {
          await Promise.all(Array.from({ length: AT_ONCE }, () => abort(nginx.port, "/call/rt/never?timeout=2")));
        }
        const left = `return require("resty.ffi").stats(fixture.runtimes.rt).in_flight`;
        await expect.poll(() => nginx.lua(left)).toBe("0");
        await nginx.lua("collectgarbage() collectgarbage()");
        await delay(100);
        return pids.map(resident);
      };
      // Heaps grow to a size of their own first: what counts is that it ends.
      const rounds = [await round(), await round(), await round()];
      const growth = () => Math.max(...pids.map((_, i) => (rounds.at(-1)?.[i] ?? 0) - (rounds.at(-2)?.[i] ?? 0)));
      while (growth() >= GROWTH && rounds.length < 14) rounds.push(await round());
      expect(growth(), `MB after each round: ${rounds.join(" | ")}`).toBeLessThan(GROWTH);
      // nginx does not notice a client that has gone before its request was begun: that call ends at its deadline.
      const cancelled = Number(await nginx.lua(`return require("resty.ffi").stats(fixture.runtimes.rt).cancelled`));
      expect(cancelled).toBeGreaterThan(0.4 * rounds.length * (ABORTS / 3));
      expect(nginx.alarms()).toEqual([]);
    } finally {
      await nginx.stop();
    }
  },
  600_000,
);
