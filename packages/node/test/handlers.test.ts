import { createRequire } from "node:module";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Host, type LoadedRuntime } from "./support/host.js";
import { Scratch } from "./support/scratch.js";

const scratch = new Scratch();
let host: Host;
let rt: LoadedRuntime;

beforeAll(async () => {
  host = new Host();
  const file = scratch.write(
    "handlers.mjs",
    `import { createRuntime, RestyFfiError } from "@resty-ffi/node";
    import * as host from ${JSON.stringify(createRequire(import.meta.url).resolve("@resty-ffi/host"))};
    const kept = [];
    const methods = {
      text: () => "süß ✓",
      lone: () => "\\ud800!",
      view: () => new Uint8Array([9, 1, 2, 3]).subarray(1),
      shared: () => new Uint8Array(new SharedArrayBuffer(70000)).fill(7),
      longText: () => "ü".repeat(600000),
      nothing: () => {},
      later: async (request) => { await null; await null; return request; },
      thenable: () => ({ then: (resolve) => resolve("thenable") }),
      number: () => 7,
      numberLater: async () => ({ a: 1 }),
      throwString: () => { throw "just text"; },
      throwOdd: () => { throw Object.create(null); },
      throwProxy: () => { throw new Proxy({}, { has() { throw 1; } }); },
      throwHostile: () => { throw Object.defineProperty(new Error(), "message", { get() { throw 1; } }); },
      throwLater: async () => { throw new TypeError("broken"); },
      throwCode: async () => { throw new RestyFfiError("teapot", 418); },
      passOn: async () => { throw new host.RestyFfiError("another runtime's teapot", 419); },
      throwAborted: () => { throw new DOMException("gone", "AbortError"); },
      keep: (request) => { kept.push(request); return String(kept.length); },
      kept: () => Buffer.concat(kept),
      reuse: (() => { const one = Buffer.alloc(20000); return (request) => one.fill(request); })(),
      unhandled: () => { Promise.reject(new Error("nobody listens")); return "ok"; },
      logHuge: (_request, call) => { call.log.info("x".repeat(1000) + "\\n" + "y"); return "ok"; },
      dictBad: (_request, call) => call.dict.set("k", "v", { ttl: -1 }),
      big: async (_request, call) => {
        await call.dict.set("big", "z".repeat(100000));
        return call.dict.get("big");
      },
      brief: async (_request, call) => {
        await call.dict.set("brief", "v", { ttl: 600_000 });
        const before = await call.dict.get("brief");
        await call.dict.set("brief", "v", { ttl: 20 });
        while ((await call.dict.get("brief")) !== null) await new Promise((resolve) => setTimeout(resolve, 5));
        return before + " null";
      },
    };
    export const app = createRuntime();
    for (const [name, handler] of Object.entries(methods)) app.method(name, handler);
    export const open = createRuntime().method("a", () => "a").default((request, call) => call.method + "(" + request + ")");
    `,
  );
  rt = await host.load(`${file},app,`);
});
afterAll(() => {
  host?.close();
  scratch.remove();
});

test.each([
  ["text", "süß ✓"],
  ["lone", "\ufffd!"],
  ["thenable", "thenable"],
  ["logHuge", "ok"],
])("%s answers text", async (method, answer) => {
  expect(await rt.text(method)).toBe(answer);
});

test("bytes of any kind of view", async () => {
  expect(await rt.call("view")).toEqual(Buffer.from([1, 2, 3]));
  expect(await rt.call("shared")).toEqual(Buffer.alloc(70000, 7));
  expect((await rt.call("longText"))?.equals(Buffer.from("ü".repeat(600000)))).toBe(true);
});

test("no return is nil", async () => {
  expect(await rt.call("nothing")).toBeNull();
});

test.each([
  ["number", 'method "number" answered with a value of type number; '],
  ["numberLater", 'method "numberLater" answered with a value of type object; '],
])("%s is told what a handler may answer", async (method, message) => {
  await expect(rt.call(method)).rejects.toMatchObject({
    status: -6,
    message: `TypeError: ${message}a handler answers bytes, a string or null`,
  });
});

test.each([
  ["throwString", -6, "just text"],
  ["throwOdd", -6, "[Object: null prototype] {}"],
  ["throwProxy", -6, "{}"],
  ["throwHostile", -6, "an error that cannot be shown"],
  ["throwLater", -6, "TypeError: broken"],
  ["throwCode", 418, "teapot"],
  ["passOn", 419, "another runtime's teapot"],
  ["throwAborted", -6, "AbortError: gone"],
  ["dictBad", -6, 'RangeError: The time to live of "k" is -1; give whole milliseconds, or 0 for ever.'],
])("%s is answered with %d %s", async (method, status, message) => {
  await expect(rt.call(method)).rejects.toMatchObject({ status, message });
  expect(await rt.text("text")).toBe("süß ✓");
});

test("what was not expected is logged with its stack, a code is not", async () => {
  const line = await host.line('method "throwLater" threw TypeError: broken\n');
  expect(line).toMatchObject({ level: 4, text: expect.stringMatching(/\n +at .*handlers\.mjs/) });
  await host.line('method "throwHostile" threw an error that cannot be shown');
  expect(host.lines.filter(({ text }) => text.includes("teapot"))).toEqual([]);
});

test("a handler owns its request", async () => {
  for (const size of [10, 100, 10000]) await rt.call("keep", Buffer.alloc(size, size % 251));
  for (let i = 0; i < 500; i++) await rt.call("later", Buffer.alloc(10000, 1));
  expect(await rt.call("kept")).toEqual(Buffer.concat([10, 100, 10000].map((size) => Buffer.alloc(size, size % 251))));
});

test("an answer is sent as it was when the handler returned it", async () => {
  const letters = [..."abcdefgh"];
  const answers = await Promise.all(letters.map((letter) => rt.text("reuse", letter)));
  expect(answers).toEqual(letters.map((letter) => letter.repeat(20000)));
});

test("thousands of promises at once are all answered", async () => {
  const requests = Array.from({ length: 5000 }, (_, i) => String(i));
  expect(await Promise.all(requests.map((request) => rt.text("later", request)))).toEqual(requests);
});

test("an unhandled rejection is logged, and the process lives", async () => {
  expect(await rt.text("unhandled")).toBe("ok");
  expect((await host.line("unhandled rejection: Error: nobody listens")).level).toBe(4);
  expect(await rt.text("text")).toBe("süß ✓");
});

test("the dict takes large values, and forgets those with a time to live", async () => {
  expect((await rt.call("big"))?.length).toBe(100000);
  expect(await rt.text("brief")).toBe("v null");
});

test("an unknown method lists those that there are; a default handler takes any", async () => {
  await expect(rt.call("nosuch", "x")).rejects.toMatchObject({
    status: -5,
    message: expect.stringMatching(/^runtime ".*" has no method "nosuch"; it has: text, lone, view, /),
  });
  const other = await host.load(`${scratch.directory}/handlers.mjs,open,`);
  expect(await other.text("a", "x")).toBe("a");
  expect(await other.text("b", "x")).toBe("b(x)");
});
