import { afterAll, beforeAll, expect, test } from "vitest";
import { Host, type LoadedRuntime } from "./support/host.js";
import { Scratch } from "./support/scratch.js";

const scratch = new Scratch();
let host: Host;
let rt: LoadedRuntime;

beforeAll(async () => {
  host = new Host();
  // Nothing but the queue keeps this process awake. The collector runs in a timer: inside a callback of the queue what
  // it waits on would be in use.
  const file = scratch.write(
    "waiting.mjs",
    `import { createRuntime } from "@resty-ffi/node";
    import { setFlagsFromString } from "node:v8";
    import { runInNewContext } from "node:vm";
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc");
    export const app = createRuntime()
      .method("echo", (request) => request)
      .method("gc", () => new Promise((resolve) => setTimeout(() => { gc(); gc(); resolve("collected"); }, 1)))
      .method("microtasks", async (request) => {
        for (let i = 0; i < 20; i++) await null;
        return request;
      })
      .method("tick", (request) => new Promise((resolve) => process.nextTick(resolve, request)));`,
  );
  rt = await host.load(`${file},app,`);
});
afterAll(() => {
  host?.close();
  scratch.remove();
});

test("the garbage collector does not end the waiting", async () => {
  for (let i = 0; i < 20; i++) {
    expect(await rt.text("gc")).toBe("collected");
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await rt.text("echo", String(i))).toBe(String(i));
  }
});

test.each(["microtasks", "tick"])("%s run after the callback that brought the call", async (method) => {
  for (let i = 0; i < 50; i++) {
    const start = performance.now();
    expect(await rt.text(method, String(i))).toBe(String(i));
    expect(performance.now() - start).toBeLessThan(10_000);
    await new Promise((resolve) => setTimeout(resolve, i % 3));
  }
});

test("a flood of calls does not keep a single frame waiting", async () => {
  for (let round = 0; round < 20; round++) {
    const requests = Array.from({ length: 3000 }, (_, i) => `${round} ${i}`);
    expect(await Promise.all(requests.map((request) => rt.text("echo", request)))).toEqual(requests);
  }
});
