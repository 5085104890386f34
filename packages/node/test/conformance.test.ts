import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Host, type LoadedRuntime } from "./support/host.js";
import { dist } from "./support/paths.js";

let host: Host;
let rt: LoadedRuntime;

/** The configuration as the suite takes it from conformance.json, with a third part. */
function configuration(third: string): string {
  const file = dist("conformance.json");
  const { cfg } = JSON.parse(readFileSync(file, "utf8")) as { cfg: string };
  return cfg.replace(/\$\{dir\}/g, dirname(dirname(file))) + third;
}

beforeAll(async () => {
  host = new Host();
  rt = await host.load(configuration("a,b"), { dicts: ["shared", "other"] });
});
afterAll(() => host?.close());

test("lang", async () => {
  const lang = JSON.parse((await rt.text("lang")) ?? "");
  expect(lang).toEqual({
    language: "node",
    version: process.versions.node,
    sdk: "0.1.0",
    abi: 2,
    pid: expect.any(Number),
  });
  expect(lang.pid).not.toBe(process.pid);
});

test.each([0, 1, 63, 64, 65, 4095, 4096, 16384, 16385, 65536, 1 << 20, (16 << 20) + 1])(
  "echo, xor and fill of %d bytes",
  async (size) => {
    const bytes = await rt.call("fill", String(size));
    expect(bytes?.length).toBe(size);
    expect(bytes?.every((byte, i) => byte === i % 251)).toBe(true);
    expect((await rt.call("echo", bytes))?.equals(bytes as Buffer)).toBe(true);
    expect((await rt.call("xor", bytes))?.every((byte, i) => byte === ((i % 251) ^ 0x5a))).toBe(true);
  },
);

test("all byte values, in many calls at once, each answered with its own", async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const requests = Array.from({ length: 1000 }, (_, i) => Buffer.concat([bytes, Buffer.from(String(i))]));
  const answers = await Promise.all(requests.map((request) => rt.call("echo", request)));
  expect(answers.every((answer, i) => answer?.equals(requests[i] as Buffer))).toBe(true);
});

test("nil and empty are kept apart, both ways", async () => {
  expect(await rt.call("none")).toBeNull();
  expect(await rt.call("empty")).toEqual(Buffer.alloc(0));
  expect(await rt.text("nilreq", null)).toBe("nil");
  expect(await rt.text("nilreq", "")).toBe("empty");
  expect(await rt.text("nilreq", "x")).toBe("bytes");
  expect(await rt.call("echo", null)).toBeNull();
  expect(await rt.call("echo", "")).toEqual(Buffer.alloc(0));
});

test("sleep waits beside other calls, block does not", async () => {
  const start = performance.now();
  expect(await Promise.all([1, 2, 3, 4].map(() => rt.text("sleep", "2000")))).toEqual(Array(4).fill("slept"));
  expect(performance.now() - start).toBeLessThan(7500);
  const blocked = performance.now();
  expect(await rt.text("block", "50")).toBe("blocked");
  expect(performance.now() - blocked).toBeGreaterThanOrEqual(49);
});

test("fail and throw", async () => {
  await expect(rt.call("fail", "42 no such  user")).rejects.toMatchObject({ status: 42, message: "no such  user" });
  await expect(rt.call("throw")).rejects.toMatchObject({ status: -6, message: "Error: thrown on purpose" });
  expect(await rt.text("echo", "still here")).toBe("still here");
});

test("never ends when it is cancelled", async () => {
  expect(await rt.text("cancelled")).toBe("0");
  const calls = [rt.start("never"), rt.start("never")];
  await rt.call("echo", "they have started");
  for (const call of calls) call.cancel();
  expect(await rt.text("cancelled")).toBe("2");
});

test("remaining", async () => {
  expect(await rt.text("remaining")).toBe("-1");
  const left = Number(await rt.text("remaining", null, 5000));
  expect(left).toBeGreaterThan(4000);
  expect(left).toBeLessThanOrEqual(5000);
});

test("config is the third part, commas and all", async () => {
  expect(await rt.text("config")).toBe("a,b");
});

test.each([
  ["debug", 8],
  ["info", 7],
  ["notice", 6],
  ["warn", 5],
  ["err", 4],
  ["crit", 3],
])("log at %s", async (name, level) => {
  expect(await rt.text("log", `${name} a line of ${name}`)).toBe("logged");
  expect((await host.line(`a line of ${name}`)).level).toBe(level);
});

test("dict", async () => {
  expect(await rt.text("dict", "set k some value")).toBe("some value");
  expect(await rt.text("dict", "get k")).toBe("some value");
  await expect(rt.call("dict", "incr k 1")).rejects.toMatchObject({ message: "not a number" });
  expect(await rt.call("dict", "delete k")).toBeNull();
  expect(await rt.call("dict", "get k")).toBeNull();
  expect(await rt.text("dict", "incr n 2")).toBe("2");
  expect(await rt.text("dict", "incr n -5")).toBe("-3");
});

test("a dict that is named, values that are added, and a time to live", async () => {
  expect(await rt.text("dict", "in other set k v")).toBe("v");
  expect(await rt.text("dict", "in other get k")).toBe("v");
  expect(await rt.call("dict", "get k")).toBeNull();
  expect(await rt.text("dict", "add once 1 50")).toBe("1");
  expect(await rt.call("dict", "add once 2")).toBeNull();
  expect(await rt.text("dict", "incr hits 3 50")).toBe("3");
  await expect.poll(() => rt.call("dict", "get once")).toBeNull();
  await expect.poll(() => rt.call("dict", "get hits")).toBeNull();
  expect(await rt.text("dict", "set t a value 60000")).toBe("a value");
  await expect(rt.call("dict", "in closed get k")).rejects.toMatchObject({
    status: -10,
    message: expect.stringMatching(/may not use the shared dict "closed"/),
  });
});

test("streams", async () => {
  expect(await rt.stream("count", "5").texts()).toEqual(["0", "1", "2", "3", "4"]);
  const sum = rt.stream("sum", "1");
  for (let i = 2; i <= 2000; i++) await sum.send(String(i));
  sum.closeSend();
  expect(await sum.texts()).toEqual(["2001000"]);
  let bytes = 0;
  for await (const message of rt.stream("flood", "50")) {
    bytes += message.length;
    expect([message[0], message[250], message[251]]).toEqual([0, 250, 0]);
  }
  expect(bytes).toBe(50 * 65536);
  await expect(rt.stream("failstream", "2").texts()).rejects.toMatchObject({ status: 7, message: "mid-stream" });
});

test("streams that are cancelled before their end are counted", async () => {
  const before = Number(await rt.text("cancelled"));
  expect(await rt.text("streams")).toBe("0");
  const open = ["chat", "sum", "flood", "count", "failstream"].map((method) => rt.stream(method, "1000000"));
  expect(await rt.text("streams")).toBe("5");
  for (const stream of open) stream.cancel();
  await expect.poll(() => rt.text("streams")).toBe("0");
  expect(await rt.text("cancelled")).toBe(String(before + 5));
});

test("print goes to the host's log", async () => {
  await rt.call("print", "stdout to the one");
  await rt.call("print", "stderr to the other");
  await host.line("to the one");
  await host.line("to the other");
});

test.each([
  ["exit", /exit code 3/],
  ["crash", /signal 6/],
])("%s ends the process for real, and the next call is served by a new one", async (method, how) => {
  await expect(rt.call(method)).rejects.toMatchObject({ status: -7, message: expect.stringMatching(how) });
  await expect.poll(() => rt.text("echo", "again").catch(String)).toBe("again");
});
