import { setTimeout as delay } from "node:timers/promises";
import { resident } from "@resty-ffi/scripts/processes";
import { expect, test } from "vitest";
import type { Cell } from "../cell.js";
import { body, pidOf, settled, text } from "../expect.js";
import { Code, type Streamed } from "../host.js";

const NIGHTLY = process.env.NIGHTLY === "1";
/** How many messages of 64 KB a reader takes, one per millisecond, and how many MB above idle both sides may hold. */
const FLOOD = NIGHTLY ? 10_000 : 600;
const FLOOD_MB = 16;
const CANCELLED = NIGHTLY ? 10_000 : 1000;
/** How much memory that number of cancelled streams may leave in a warm process, in MB. */
const GROWTH = 6;

const numbers = (n: number) => Array.from({ length: n }, (_, i) => String(i));

export function streams(cell: () => Cell): void {
  const open = async () => [await text(cell().rt, "streams"), (await cell().rt.stats()).inFlight];
  const nothingLeft = () => expect.poll(open).toEqual(["0", 0]);

  test("count: messages come in order, then the end", async () => {
    const { rt } = cell();
    const seen = await rt.stream("count", "5000", [{ do: "drain" }]);
    expect(seen).toMatchObject({ count: 5000, status: 0, texts: numbers(100) });
    expect(await rt.stream("count", "0", [{ do: "drain" }])).toMatchObject({ count: 0, status: 0 });
    await nothingLeft();
  });

  test("sum: the client sends until it closes its side", async () => {
    const { rt } = cell();
    const seen = await rt.stream("sum", null, [
      { do: "send", text: "7", times: 3000 },
      { do: "closeSend" },
      { do: "drain" },
    ]);
    expect(seen).toMatchObject({ texts: ["21000"], status: 0 });
    expect(await rt.stream("sum", "5", [{ do: "closeSend" }, { do: "drain" }])).toMatchObject({ texts: ["5"] });
    await nothingLeft();
  });

  test("chat: both sides talk, messages of any size", async () => {
    const { rt } = cell();
    const sizes = [0, 1, 63, 64, 65, 255, 256, 4096, 65536, 262144, 1_000_000, 5_000_000];
    const seen = await rt.stream("chat", "first", [
      { do: "recv" },
      ...sizes.flatMap((size) => [{ do: "send", size } as const, { do: "recv" } as const]),
      { do: "closeSend" },
      { do: "drain" },
    ]);
    const bytes = sizes.reduce((sum, size) => sum + size, "first".length);
    expect(seen).toMatchObject({ count: sizes.length + 1, bytes, status: 0 });
    expect(seen.texts[0]).toBe("first");
    await nothingLeft();
  });

  test("several at once, each with its own messages", async () => {
    const { rt } = cell();
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        rt.stream("chat", `stream ${i}`, [
          { do: "send", text: `more of ${i}`, times: 50 },
          { do: "closeSend" },
          { do: "drain" },
        ]),
      ),
    );
    for (const [i, seen] of all.entries()) {
      expect(seen).toMatchObject({ count: 51, status: 0 });
      expect(new Set(seen.texts)).toEqual(new Set([`stream ${i}`, `more of ${i}`]));
    }
    await nothingLeft();
  });

  test("failstream: what was sent before arrives, then the handler's code and message", async () => {
    const { rt } = cell();
    expect(await rt.stream("failstream", "3", [{ do: "drain" }])).toMatchObject({
      texts: ["0", "1", "2"],
      status: 7,
      message: "mid-stream",
    });
    await nothingLeft();
  });

  test("flood: a slow reader holds the handler up, and memory stays bounded on both sides", async () => {
    const { rt, host, transport } = cell();
    const pids = transport === "process" ? [host.pid, await pidOf(rt)] : [host.pid];
    await rt.stream("flood", "200", [{ do: "drain" }]);
    await host.settle();
    const idle = pids.map(resident);
    const most = [...idle];
    let on = true;
    const watch = (async () => {
      for (; on; await delay(20))
        for (const [i, pid] of pids.entries()) most[i] = Math.max(most[i] ?? 0, resident(pid));
    })();
    const seen = await rt.stream("flood", String(FLOOD), [{ do: "drain", pause: 1 }]);
    on = false;
    await watch;
    expect(seen).toMatchObject({ count: FLOOD, bytes: FLOOD * 65536, status: 0 });
    for (const [i, pid] of pids.entries()) {
      expect((most[i] ?? 0) - (idle[i] ?? 0), `MB that process ${pid} took above its ${idle[i]}`).toBeLessThan(
        FLOOD_MB,
      );
    }
    await nothingLeft();
  });

  test("a handler that waits to send, or to receive, is cancelled cleanly", async () => {
    const { rt } = cell();
    const cancelled = async () => Number(await text(rt, "cancelled"));
    const before = await settled(rt, "cancelled");
    await rt.stream("flood", "100000", [{ do: "recv" }, { do: "sleep", ms: 50 }, { do: "close" }]);
    await rt.stream("chat", "x", [{ do: "recv" }, { do: "sleep", ms: 50 }, { do: "close" }]);
    await nothingLeft();
    await expect.poll(cancelled).toBe(before + 2);
  });

  test(`${CANCELLED} streams cancelled half-way leave memory where it was`, async () => {
    const { rt, host, transport } = cell();
    const pids = transport === "process" ? [host.pid, await pidOf(rt)] : [host.pid];
    const round = async () => {
      await rt.cancelHalfWay("flood", "10", CANCELLED);
      await nothingLeft();
      await host.settle();
      return pids.map(resident);
    };
    // Heaps first grow to their usual size: the test is that the growth ends.
    const rounds = [await round(), await round(), await round()];
    const growth = () => Math.max(...pids.map((_, i) => (rounds.at(-1)?.[i] ?? 0) - (rounds.at(-3)?.[i] ?? 0)));
    while (growth() >= GROWTH && rounds.length < 14) rounds.push(await round());
    expect(growth(), `MB of ${pids} after each round: ${rounds.join(" | ")}`).toBeLessThan(GROWTH);
  }, 300_000);

  test("the deadline of a stream ends it, and its handler sees that", async () => {
    const { rt } = cell();
    const cancelled = async () => Number(await text(rt, "cancelled"));
    let before: number;
    let seen: Streamed;
    let timeout = 150;
    // On a busy machine the answer may need longer than that.
    do {
      before = await settled(rt, "cancelled");
      seen = await rt.stream("chat", "x", [{ do: "drain" }], { timeout });
      timeout *= 4;
    } while (seen.count === 0 && timeout < 20_000);
    expect(seen).toMatchObject({ texts: ["x"], status: Code.TIMEOUT, message: expect.stringMatching(/^timeout: /) });
    await nothingLeft();
    await expect.poll(cancelled).toBe(before + 1);
  });

  test("a handler that only answers is a stream of one message", async () => {
    const { rt } = cell();
    expect(await rt.stream("echo", "hello", [{ do: "drain" }])).toMatchObject({ texts: ["hello"], status: 0 });
    expect(await rt.stream("none", "x", [{ do: "drain" }])).toMatchObject({ count: 0, status: 0 });
    expect(await rt.stream("fail", "9 nine", [{ do: "drain" }])).toMatchObject({ status: 9, message: "nine" });
    expect(await rt.stream("no_such_method", "x", [{ do: "drain" }])).toMatchObject({ status: Code.NO_METHOD });
    const late = await rt.stream("echo", null, [{ do: "send", text: "sent later" }, { do: "drain" }]);
    expect(late).toMatchObject({ texts: ["sent later"], status: 0 });
    await nothingLeft();
  });

  test("a stream called like a function says what to do instead", async () => {
    expect(await cell().rt.call("count", "3")).toEqual({
      ok: false,
      code: Code.BAD_ARGUMENT,
      message: expect.stringMatching(/"count" is a stream: open it with resty_ffi\.stream/),
    });
    expect(body(await cell().rt.call("echo", "next")).toString()).toBe("next");
  });

  test("unload gives open streams time to end, and then ends them", async () => {
    const rt = await cell().another("unloaded with streams", { drainTimeout: 1500 });
    const ends = rt.stream("chat", "x", [
      { do: "recv" },
      { do: "sleep", ms: 100 },
      { do: "send", text: "y" },
      { do: "recv" },
      { do: "closeSend" },
      { do: "drain" },
    ]);
    const stays = rt.stream("chat", "x", [{ do: "drain" }]);
    await expect.poll(() => text(rt, "streams"), { interval: 10 }).toBe("2");
    await rt.unload();
    expect(await ends).toMatchObject({ count: 2, status: 0 });
    expect(await stays).toMatchObject({ count: 1, status: Code.UNLOADED, message: expect.stringContaining("1500 ms") });
    expect(await rt.stream("chat", "x", [{ do: "drain" }])).toMatchObject({ status: Code.UNLOADED });
  });
}
