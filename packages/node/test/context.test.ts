import http from "node:http";
import type { AddressInfo } from "node:net";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Host, type LoadedRuntime } from "./support/host.js";
import { Scratch } from "./support/scratch.js";

const scratch = new Scratch();
let host: Host;
let rt: LoadedRuntime;
let server: http.Server;
let ask: Record<"ours" | "node:http", (method: string, request: string) => Promise<string>>;

/** Handlers that node:http and we run alike: each says whose identity it has seen, and takes on its own. */
const HANDLERS = `
  import { AsyncLocalStorage, executionAsyncId } from "node:async_hooks";
  import { setTimeout as delay } from "node:timers/promises";
  const user = new AsyncLocalStorage();
  const seen = () => String(user.getStore());
  export const handlers = {
    sync(request) { const before = seen(); user.enterWith(request); return before + " " + seen(); },
    async later(request) {
      const before = seen();
      user.enterWith(request);
      await delay(5);
      return before + " " + seen();
    },
    timer(request) {
      const before = seen();
      user.enterWith(request);
      return new Promise((resolve) => setTimeout(() => resolve(before + " " + seen()), 5));
    },
    thenable(request) {
      return { then(resolve) { const before = seen(); user.enterWith(request); resolve(before + " " + seen()); } };
    },
    throws(request) {
      const before = seen();
      user.enterWith(request);
      throw new Error(before + " " + seen());
    },
    run(request) { return user.run(request, async () => { await null; return "undefined " + seen(); }); },
    id() { return String(executionAsyncId()); },
  };`;

beforeAll(async () => {
  const file = scratch.write("handlers.mjs", HANDLERS);
  const app = scratch.write(
    "app.mjs",
    `import { createRuntime } from "@resty-ffi/node";
    import { AsyncLocalStorage } from "node:async_hooks";
    import { handlers } from "./handlers.mjs";
    const user = new AsyncLocalStorage();
    export const app = createRuntime()
      .method("cancelled", (request, call) => new Promise(() => {
        user.enterWith(String(request));
        call.signal.addEventListener("abort", () => app.dict.set("aborted " + request, String(user.getStore())));
      }))
      .method("aborted", async (request) => (await app.dict.get("aborted " + request)) ?? "not yet")
      .method("dict", async (request, call) => {
        const before = user.getStore();
        user.enterWith(String(request));
        await call.dict.get("nothing");
        return before + " " + user.getStore();
      })
      .method("reads", () => String(user.getStore()))
      .stream("stream", async function* (requests) {
        const before = user.getStore();
        for await (const message of requests) {
          user.enterWith(String(message));
          await null;
          yield before + " " + user.getStore();
        }
      });
    for (const [name, handler] of Object.entries(handlers)) app.method(name, (request) => handler(String(request)));`,
  );
  host = new Host();
  rt = await host.load(`${app},app,`);
  const { handlers } = await import(pathToFileURL(file).href);
  server = http.createServer(async (request, response) => {
    const url = new URL(request.url ?? "", "http://localhost");
    try {
      response.end(await handlers[url.pathname.slice(1)](url.searchParams.get("request")));
    } catch (error) {
      response.end(String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  ask = {
    ours: async (method, request) => (await rt.text(method, request).catch((error: Error) => error.message)) ?? "nil",
    "node:http": (method, request) =>
      new Promise((resolve, reject) => {
        const path = `/${method}?request=${request}`;
        http
          .get({ host: "127.0.0.1", port, path, agent: false }, async (response) => {
            let text = "";
            for await (const chunk of response) text += chunk;
            resolve(text);
          })
          .on("error", reject);
      }),
  };
});
afterAll(async () => {
  host?.close();
  await new Promise((resolve) => server?.close(resolve));
  scratch.remove();
});

/** More than one batch of the queue. */
const users = Array.from({ length: 200 }, (_, i) => `user${i}`);

describe.each(["ours", "node:http"] as const)("%s", (how) => {
  test.each(["sync", "later", "timer", "thenable", "throws", "run"])(
    "%s: no call sees another's identity",
    async (method) => {
      for (let round = 0; round < 2; round++) {
        const answers = await Promise.all(users.map((user) => ask[how](method, user)));
        expect(answers).toEqual(users.map((user) => `${method === "throws" ? "Error: " : ""}undefined ${user}`));
      }
    },
  );

  test("executionAsyncId is the call's own", async () => {
    const ids = await Promise.all(users.map((user) => ask[how]("id", user)));
    expect(new Set(ids).size).toBe(users.length);
  });
});

test("answers of the shared dict come back into their call", async () => {
  const answers = await Promise.all(users.map((user) => rt.text("dict", user)));
  expect(answers).toEqual(users.map((user) => `undefined ${user}`));
});

test("what listens for a cancellation runs in its call", async () => {
  const few = users.slice(0, 20);
  const calls = few.map((user) => rt.start("cancelled", user));
  await rt.call("reads");
  for (const call of calls) call.cancel();
  for (const user of few) await expect.poll(() => rt.text("aborted", user)).toBe(user);
  expect(await rt.text("reads")).toBe("undefined");
});

test("streams that are served side by side keep apart what they enter", async () => {
  const streams = users.slice(0, 20).map((user) => ({ user, stream: rt.stream("stream") }));
  for (let round = 0; round < 3; round++) {
    for (const { user, stream } of streams) await stream.send(user);
    for (const { user, stream } of streams) expect(String(await stream.receive())).toBe(`undefined ${user}`);
  }
  for (const { stream } of streams) {
    stream.closeSend();
    expect(await stream.receive()).toBe(null);
    stream.free();
  }
  expect(await rt.text("reads")).toBe("undefined");
});
