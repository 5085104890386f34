import { afterAll, beforeAll, expect, test } from "vitest";
import { Host, type LoadedRuntime } from "./support/host.js";
import { Scratch } from "./support/scratch.js";

const KB64 = 65536;
const WINDOW = 4 * KB64;

const scratch = new Scratch();
let host: Host;
let rt: LoadedRuntime;

beforeAll(async () => {
  host = new Host();
  const file = scratch.write(
    "streams.mjs",
    `import { createRuntime, RestyFfiError } from "@resty-ffi/node";
    import { setTimeout as delay } from "node:timers/promises";
    import { setFlagsFromString } from "node:v8";
    import { runInNewContext } from "node:vm";
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc");

    let running = 0, yielded = 0, open;
    const gate = new Promise((resolve) => { open = resolve; });
    const seen = [];
    const reused = Buffer.alloc(65536);
    const streams = {
      async *chat(requests) { yield* requests; },
      async *gush(requests) { for (;;) { yielded++; yield Buffer.alloc(65536); } },
      async *gated(requests) { await gate; let n = 0; for await (const m of requests) n += m.length; yield String(n); },
      async *count(requests) { const n = Number((await requests.next()).value); for (let i = 0; i < n; i++) yield String(i); },
      *plain() { yield "a"; yield new Uint8Array([98]); yield ""; yield "ü"; },
      async *reuse() { for (let i = 0; i < 3; i++) yield reused.fill(i); },
      async *header(requests) {
        for await (const first of requests) { yield "header " + first; break; }
        for await (const next of requests) yield "body " + next;
      },
      async *ahead(requests) {
        const both = await Promise.all([requests.next(), requests.next(), requests.next()]);
        yield both.map(({ value, done }) => value + " " + done).join(", ");
      },
      async *broken() { yield "one"; throw new TypeError("in the middle"); },
      async *coded() { yield "one"; throw new RestyFfiError("teapot", 418); },
      async *number() { yield 7; },
      nothing() {},
      text() { return "letters"; },
      early() { throw new RestyFfiError("not today", 3); },
      array: () => ["x", "y"],
      async *watching(requests, call) {
        try { await requests.next(); } catch (error) { seen.push(error === call.signal.reason ? error.name : "?"); throw error; }
      },
      async *working(_requests, call) { await delay(10000, null, { signal: call.signal }); },
      async *deaf() { await new Promise(() => {}); },
      async *left(_requests, call) { yield call.method + " " + (call.deadline ? Math.round(call.remaining()) : "none"); },
    };
    export const app = createRuntime()
      .method("running", () => String(running))
      .method("yielded", () => String(yielded))
      .method("seen", () => seen.join())
      .method("open", () => open())
      .method("echo", (request) => request)
      .method("later", async (request) => { await delay(1); return request; })
      .method("fail", () => { throw new RestyFfiError("no", 9); })
      .method("memory", () => { gc(); gc(); return String(process.memoryUsage().heapUsed); })
      .default((request, call) => call.method + " " + request);
    for (const [name, serve] of Object.entries(streams)) {
      app.stream(name, name[0] === "n" || "text early array plain".includes(name) ? serve : async function* (requests, call) {
        running++;
        try { yield* serve(requests, call); } finally { running--; }
      });
    }`,
  );
  rt = await host.load(`${file},app,`);
});
afterAll(() => {
  host?.close();
  scratch.remove();
});

const idle = () => expect.poll(() => rt.text("running")).toBe("0");

test("messages go both ways, as they come", async () => {
  const chat = rt.stream("chat", "with the call");
  expect(String(await chat.receive())).toBe("with the call");
  for (const message of ["one", "", "ü", "x".repeat(100_000)]) {
    await chat.send(message);
    expect(String(await chat.receive())).toBe(message);
  }
  chat.closeSend("the last");
  expect(await chat.texts()).toEqual(["the last"]);
});

test.each([0, 1, 1000, 20_000])("%d messages, then the end", async (n) => {
  expect(await rt.stream("count", String(n)).texts()).toEqual(Array.from({ length: n }, (_, i) => String(i)));
});

test("text, bytes and empty messages of a generator that is not async, or of an array", async () => {
  expect(await rt.stream("plain").texts()).toEqual(["a", "b", "", "ü"]);
  expect(await rt.stream("array").texts()).toEqual(["x", "y"]);
});

test("a message is sent as it was when it was yielded", async () => {
  const messages: Buffer[] = [];
  for await (const message of rt.stream("reuse")) messages.push(message);
  expect(messages.map((message, i) => message.equals(Buffer.alloc(KB64, i)))).toEqual([true, true, true]);
});

test("reading goes on after a loop that was left; several may be asked for at once", async () => {
  const header = rt.stream("header", "h");
  await header.send("b");
  header.closeSend();
  expect(await header.texts()).toEqual(["header h", "body b"]);
  const ahead = rt.stream("ahead");
  await ahead.send("1");
  ahead.closeSend("2");
  expect(await ahead.texts()).toEqual(["1 false, 2 false, undefined true"]);
});

test("a handler waits while its caller does not read", async () => {
  const gush = rt.stream("gush");
  await gush.news();
  await new Promise((resolve) => setTimeout(resolve, 100));
  // The window, and one message that waits for it.
  expect(await rt.text("yielded")).toBe(String(WINDOW / KB64 + 1));
  for (let i = 0; i < 20; i++) expect((await gush.receive())?.length).toBe(KB64);
  await rt.call("echo");
  expect(Number(await rt.text("yielded"))).toBeLessThanOrEqual(20 + WINDOW / KB64 + 1);
  gush.cancel();
  await idle();
});

test("a caller waits while the handler does not read", async () => {
  const gated = rt.stream("gated", Buffer.alloc(1000));
  let sent = 0;
  for (; gated.trySend(Buffer.alloc(KB64)); sent++) expect(sent).toBeLessThan(100);
  await rt.call("echo");
  expect(gated.trySend("x")).toBe(false);
  expect(sent).toBe(WINDOW / KB64);
  await rt.call("open");
  for (; sent < 100; sent++) await gated.send(Buffer.alloc(KB64));
  gated.closeSend();
  expect(await gated.texts()).toEqual([String(1000 + 100 * KB64)]);
});

test.each([
  ["coded", 418, "teapot", ["one"]],
  ["broken", -6, "TypeError: in the middle", ["one"]],
  ["early", 3, "not today", []],
  [
    "number",
    -6,
    'TypeError: method "number" sent a value of type number; a stream\'s messages are bytes or strings',
    [],
  ],
  ["nothing", -6, 'TypeError: method "nothing" is a stream, but its handler returned no generator or iterable', []],
  ["text", -6, 'TypeError: method "text" is a stream, but its handler returned no generator or iterable', []],
])("%s fails with %d", async (method, status, message, before) => {
  const stream = rt.stream(method);
  const messages: string[] = [];
  const read = async () => {
    for await (const message of stream) messages.push(String(message));
  };
  await expect(read()).rejects.toMatchObject({ status, message });
  expect(messages).toEqual(before);
  stream.free();
});

test("what was not expected is logged with its stack, a code is not", async () => {
  const line = await host.line("TypeError: in the middle\n");
  expect(line).toMatchObject({
    level: 4,
    text: expect.stringMatching(/method "broken" threw .*\n +at .*streams\.mjs/),
  });
  expect(host.lines.filter(({ text }) => text.includes("teapot") || text.includes("not today"))).toEqual([]);
});

test("a plain method that is opened as a stream answers once", async () => {
  expect(await rt.stream("echo", "first").texts()).toEqual(["first"]);
  expect(await rt.stream("other", "x").texts()).toEqual(["other x"]);
  const waits = rt.stream("later");
  await rt.call("echo");
  await waits.send("sent later");
  expect(await waits.texts()).toEqual(["sent later"]);
  const none = rt.stream("echo");
  none.closeSend();
  expect(await none.texts()).toEqual([]);
  await expect(rt.stream("fail", "").texts()).rejects.toMatchObject({ status: 9, message: "no" });
});

test("a stream that is called plainly says how to open it", async () => {
  await expect(rt.call("chat", "x")).rejects.toMatchObject({
    status: -10,
    message: '"chat" is a stream: open it with resty_ffi.stream',
  });
});

test.each([
  ["chat", "waits for a message"],
  ["gush", "waits for the window"],
  ["working", "looks at its signal"],
])("%s is cancelled while it %s", async (method) => {
  const streams = Array.from({ length: 5 }, () => rt.stream(method));
  expect(await rt.text("running")).toBe("5");
  for (const stream of streams) stream.cancel();
  await idle();
});

test("waiting for a message throws the signal's reason", async () => {
  const stream = rt.stream("watching");
  await rt.call("echo");
  stream.cancel(-1);
  await expect.poll(() => rt.text("seen")).toBe("AbortError");
});

test("a deadline reaches the handler, and ends the stream", async () => {
  expect(await rt.stream("left").texts()).toEqual(["left none"]);
  const [left = ""] = await rt.stream("left", null, 5000).texts();
  expect(Number(left.split(" ")[1])).toBeGreaterThan(4000);
  const start = performance.now();
  const late = rt.stream("chat", null, 100);
  await expect(late.receive()).rejects.toMatchObject({ status: -1 });
  expect(performance.now() - start).toBeLessThan(10_000);
  late.free();
  await idle();
});

test("a hundred at once do not mix", async () => {
  const texts = await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      const chat = rt.stream("chat");
      for (let k = 0; k < 20; k++) await chat.send(`${i} ${k}`);
      chat.closeSend();
      return chat.texts();
    }),
  );
  expect(texts).toEqual(texts.map((_, i) => Array.from({ length: 20 }, (_, k) => `${i} ${k}`)));
});

test("10,000 one after another leave nothing behind, however they end", async () => {
  const round = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const chat = rt.stream("chat", "hello");
      await chat.receive();
      if (i % 3 === 0) {
        chat.cancel();
        continue;
      }
      if (i % 3 === 1) await chat.send("unread");
      chat.closeSend();
      await chat.texts();
    }
    await idle();
    return Number(await rt.text("memory"));
  };
  await round(1000);
  const before = await round(1000);
  expect((await round(8000)) - before).toBeLessThan(200_000);
});

test("a stream that is open outlives a reload", async () => {
  const other = await host.load(`${scratch.directory}/streams.mjs,app,reload`);
  const chat = other.stream("chat", "before");
  expect(String(await chat.receive())).toBe("before");
  await other.reload();
  expect(await other.text("running")).toBe("0");
  await chat.send("after");
  chat.closeSend();
  expect(await chat.texts()).toEqual(["after"]);
});

test("an unload waits for open streams, and cancels them when the host ends", async () => {
  const ending = new Host();
  const other = await ending.load(`${scratch.directory}/streams.mjs,app,`);
  const chat = other.stream("chat", "x");
  const deaf = other.stream("deaf");
  await chat.receive();
  other.unload();
  await chat.send("still served");
  expect(String(await chat.receive())).toBe("still served");
  const start = performance.now();
  deaf.free();
  ending.close();
  expect(performance.now() - start).toBeLessThan(10_000);
});
