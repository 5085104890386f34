import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BAD_ARGUMENT,
  CANCELLED,
  close,
  load,
  type Runtime,
  stats,
  stream,
  TIMEOUT,
  UNLOADED,
  unload,
} from "../src/index.js";
import { METHODS } from "./runtimes.js";

afterAll(() => close());

const KB64 = 65536;
const WINDOW = 4 * KB64;

async function texts(messages: AsyncIterable<Buffer>): Promise<string[]> {
  const found: string[] = [];
  for await (const message of messages) found.push(String(message));
  return found;
}

describe.each([false, true])("streams, isolate %s", (isolate) => {
  let rt: Runtime<"streams" | "cancelled">;
  beforeAll(async () => {
    rt = await load(METHODS, isolate ? "2" : "1", { isolate });
  });
  const idle = () => expect.poll(async () => String(await rt.streams())).toBe("0");

  test("messages come until the end", async () => {
    expect(await texts(stream(rt, "count", "3"))).toEqual(["0", "1", "2"]);
    expect(await texts(stream(rt, "count", "0"))).toEqual([]);
    expect(await texts(stream(rt, "count", "5000"))).toHaveLength(5000);
  });

  test("messages go both ways, as they left", async () => {
    const chat = stream(rt, "chat");
    for (const message of ["one", "", "ü\0", Buffer.alloc(100_000, 7)]) {
      await chat.send(message);
      expect((await chat.receive())?.equals(Buffer.from(message as string))).toBe(true);
    }
    await chat.send("last");
    chat.closeSend();
    expect(await texts(chat)).toEqual(["last"]);
    expect(await chat.receive()).toBeNull();
  });

  test("the first message and the end of the caller's side", async () => {
    const sum = stream(rt, "sum", "1");
    for (let i = 2; i <= 3000; i++) await sum.send(String(i));
    sum.closeSend();
    sum.closeSend();
    expect(await texts(sum)).toEqual(["4501500"]);
  });

  test("several may wait for messages", async () => {
    const chat = stream(rt, "chat");
    const waiting = [1, 2, 3, 4].map(() => chat.receive());
    await Promise.all(["a", "b", "c"].map((message) => chat.send(message)));
    chat.closeSend();
    expect((await Promise.all(waiting)).map((message) => message && String(message))).toEqual(["a", "b", "c", null]);
  });

  test("a slow reader holds the handler back", async () => {
    const flood = stream(rt, "flood", "100");
    const before = stats(rt).bytesOut;
    await flood.receive();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(stats(rt).bytesOut - before).toBeLessThanOrEqual(WINDOW);
    let messages = 1;
    for await (const message of flood) {
      expect([message.length, message[250], message[251]]).toEqual([KB64, 250, 0]);
      messages++;
    }
    expect(messages).toBe(100);
  });

  test("send waits for a handler that does not read", async () => {
    const deaf = stream(rt, "deaf");
    let sent = 0;
    const bytes = Buffer.alloc(KB64);
    const sends = Array.from({ length: 10 }, () => deaf.send(bytes).then(() => sent++));
    const results = Promise.allSettled(sends);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(sent).toBe(WINDOW / KB64);
    deaf.close();
    expect((await results).filter(({ status }) => status === "rejected")).toHaveLength(10 - WINDOW / KB64);
    await idle();
  });

  test("what waits for the window is sent in order, as it was", async () => {
    const chat = stream(rt, "chat");
    const bytes = Buffer.alloc(KB64);
    const sends = Array.from({ length: 20 }, (_, i) => chat.send(bytes.fill(i)));
    bytes.fill(99);
    chat.closeSend();
    const messages: Buffer[] = [];
    for await (const message of chat) messages.push(message);
    await Promise.all(sends);
    expect(messages.map((message, i) => message.equals(Buffer.alloc(KB64, i)))).toEqual(Array(20).fill(true));
  });

  test("a failure comes after the messages before it", async () => {
    const failing = stream(rt, "failstream", "2");
    expect([String(await failing.receive()), String(await failing.receive())]).toEqual(["0", "1"]);
    const failure = { code: 7, message: "mid-stream", name: "RestyFfiError" };
    await expect(failing.receive()).rejects.toMatchObject(failure);
    await expect(failing.receive()).rejects.toMatchObject(failure);
    await expect(failing.send("x")).rejects.toMatchObject(failure);
    failing.close();
  });

  test("leaving the loop cancels, and so does close", async () => {
    const before = Number(await rt.cancelled());
    for await (const message of stream(rt, "flood", "1000000")) {
      expect(message.length).toBe(KB64);
      break;
    }
    const chat = stream(rt, "chat");
    const waiting = chat.receive().catch((error) => error);
    chat.close();
    chat.close();
    expect(await waiting).toMatchObject({ code: CANCELLED, message: expect.stringMatching(/"chat".*closed/) });
    await expect(chat.send("x")).rejects.toMatchObject({ code: CANCELLED });
    await idle();
    expect(Number(await rt.cancelled()) - before).toBe(2);
    expect(stats(rt).inFlight).toBe(0);
  });

  test("a signal and a timeout end it", async () => {
    const abort = new AbortController();
    const aborted = stream(rt, "chat", null, { signal: abort.signal });
    setTimeout(() => abort.abort(new Error("enough")), 10);
    await expect(aborted.receive()).rejects.toMatchObject({ code: CANCELLED, cause: { message: "enough" } });
    expect(() => stream(rt, "chat", null, { signal: abort.signal })).toThrow(/gave up/);
    const start = performance.now();
    const late = stream(rt, "chat", null, { timeout: 60 });
    await expect(late.receive()).rejects.toMatchObject({ code: TIMEOUT, message: expect.stringContaining("timeout") });
    expect(performance.now() - start).toBeGreaterThan(55);
    expect(stats(rt).timedOut).toBeGreaterThan(0);
    await idle();
  });

  test("nothing is sent after the end or after closeSend", async () => {
    const chat = stream(rt, "chat");
    chat.closeSend();
    await expect(chat.send("x")).rejects.toMatchObject({ code: UNLOADED, message: /"chat".*closed for sending/ });
    expect(await texts(chat)).toEqual([]);
    await expect(chat.send("x")).rejects.toMatchObject({ message: /"chat".*has ended/ });
    await expect(chat.send(null as never)).rejects.toThrow(/must be a Uint8Array or a string, not null/);
  });

  test("a hundred at once, and thousands one after another", async () => {
    const all = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const chat = stream(rt, "chat", `${i}`);
        await chat.send("x");
        chat.closeSend();
        return texts(chat);
      }),
    );
    expect(all).toEqual(all.map((_, i) => [`${i}`, "x"]));
    const before = stats(rt).streams;
    for (let i = 0; i < 2000; i++) {
      const chat = stream(rt, "chat", "hello");
      expect(String(await chat.receive())).toBe("hello");
      if (i % 2) chat.closeSend();
      if (i % 2) expect(await chat.receive()).toBeNull();
      else chat.close();
    }
    expect(stats(rt)).toMatchObject({ streams: before + 2000, inFlight: 0 });
    await idle();
  });

  test("an unload lets it end, then it cannot be opened", async () => {
    const other = await load<"echo">(METHODS, isolate ? "4" : "3", { isolate });
    const chat = stream(other, "chat");
    unload(other);
    await chat.send("still here");
    expect(String(await chat.receive())).toBe("still here");
    chat.closeSend();
    expect(await texts(chat)).toEqual([]);
    expect(() => stream(other, "chat")).toThrow(/unloaded/);
    await expect(other.echo()).rejects.toMatchObject({ code: UNLOADED });
  });

  test("drainTimeout ends what does not end by itself", async () => {
    const other = await load(METHODS, isolate ? "6" : "5", { isolate, drainTimeout: 100 });
    const deaf = stream(other, "deaf");
    unload(other);
    await expect(deaf.receive()).rejects.toMatchObject({ code: UNLOADED, message: expect.stringContaining("100 ms") });
  });
});

test("arguments that cannot open a stream are refused", async () => {
  const rt = await load(METHODS, "7");
  expect(() => stream(rt, "chat", 1 as never)).toThrow(/first message must be a Uint8Array, a string or null/);
  expect(() => stream(rt, "chat", null, { timeuot: 1 } as never)).toThrow(/stream: there is no option "timeuot"/);
  expect(() => stream(rt, "m".repeat(200))).toThrow(expect.objectContaining({ code: BAD_ARGUMENT }));
});

test("the end of the host ends streams", async () => {
  const rt = await load(METHODS, "8");
  const chat = stream(rt, "chat");
  const waiting = chat.receive().catch((error) => error);
  await close(50);
  expect(await waiting).toMatchObject({ code: UNLOADED });
  await expect(chat.receive()).rejects.toMatchObject({ code: UNLOADED });
  await expect(chat.send("x")).rejects.toMatchObject({ code: UNLOADED });
  chat.closeSend();
  chat.close();
});
