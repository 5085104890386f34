import { afterAll, beforeAll, expect, test } from "vitest";
import { Host, type LoadedRuntime } from "./support/host.js";
import { dist } from "./support/paths.js";

let host: Host;
let rt: LoadedRuntime;

beforeAll(async () => {
  host = new Host();
  rt = await host.load(`${dist("examples/powers.mjs")},app,{"greeting":"Good day,"}`, { dicts: ["cache"] });
});
afterAll(() => host?.close());

test("streams", async () => {
  expect(await rt.stream("ticks", "3").texts()).toEqual(["tick 0", "tick 1", "tick 2"]);
  const upper = rt.stream("upper", "one");
  expect(String(await upper.receive())).toBe("ONE");
  upper.closeSend("two");
  expect(await upper.texts()).toEqual(["TWO"]);
});

test("slow stops when it is cancelled", async () => {
  const start = performance.now();
  rt.start("slow", null, 5000).cancel();
  expect(await rt.text("divide", "7 2")).toBe("3");
  await host.line("the caller waits for");
  expect(performance.now() - start).toBeLessThan(4500);
});

test("errors, log and dict", async () => {
  await expect(rt.call("divide", "1 0")).rejects.toMatchObject({ status: 22, message: "division by zero" });
  expect(await rt.text("hello", "Ada")).toBe("Good day, Ada");
  expect((await host.line("hello Ada")).level).toBe(7);
  expect(await rt.text("visits", "Ada")).toBe("1");
  expect(await rt.text("visits", "Ada")).toBe("2");
});
