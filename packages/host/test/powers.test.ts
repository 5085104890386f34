import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { close, load, methodStats, reload, stats, stream, UNLOADED, unload } from "../src/index.js";
import { METHODS } from "./runtimes.js";

afterAll(() => close());

test("a reload moves new calls to the new code, and lets what is open end", async () => {
  const rt = await load<"generation" | "sleep" | "pid">(METHODS, "pause=1000", { isolate: true });
  expect(String(await rt.generation())).toBe("0");
  const chat = stream(rt, "chat");
  await chat.send("before");
  const pid = String(await rt.pid());
  const slow = rt.sleep("2500");
  await Promise.all([reload(rt), reload(rt)]); // the second one finds the first under way
  expect(String(await rt.generation())).toBe("1");
  expect(String(await rt.pid())).not.toBe(pid);
  expect(stats(rt)).toMatchObject({ reloads: 1, up: true });
  expect(String(await slow)).toBe("slept");
  await chat.send("after");
  chat.closeSend();
  expect([String(await chat.receive()), String(await chat.receive()), await chat.receive()]).toEqual([
    "before",
    "after",
    null,
  ]);
  unload(rt);
  await expect(reload(rt)).rejects.toMatchObject({ code: UNLOADED });
});

test("with watch a file that changes reloads the runtime", async () => {
  const directory = mkdtempSync(join(tmpdir(), "resty-ffi-host-"));
  const file = join(directory, "code");
  writeFileSync(file, "1");
  const rt = await load<"watch" | "generation">(METHODS, "watch", { isolate: true, watch: true });
  await rt.watch(file);
  writeFileSync(file, "one more");
  await expect.poll(() => stats(rt).reloads).toBe(1);
  expect(String(await rt.generation())).toBe("1");
  rmSync(directory, { recursive: true });
});

test("each method has its own counters", async () => {
  const rt = await load<"echo" | "fail">(METHODS, "counters");
  await rt.echo("12345");
  await rt.echo("");
  await rt.fail("7 no").catch(() => undefined);
  await rt.echo("x", { timeout: 5000 });
  const counters = methodStats(rt);
  expect([...counters.keys()].sort()).toEqual(["echo", "fail"]);
  const echo = counters.get("echo");
  expect(echo).toMatchObject({ calls: 3, answered: 3, bytesIn: 6, bytesOut: 6, inFlight: 0 });
  expect(echo?.histogram.reduce((sum, { calls }) => sum + calls, 0)).toBe(3);
  expect(echo?.took).toBeGreaterThan(0);
  expect(counters.get("fail")?.errors).toMatchObject({ runtime: 1, timeout: 0 });
  expect(stats(rt)).toMatchObject({ calls: 4, answered: 3, failed: 1, bytesIn: 10, queued: 0, reloads: 0 });
});

test("settings and shared dicts reach the runtime", async () => {
  const rt = await load<"setting" | "dict">(METHODS, "settings", {
    venv: "/a venv",
    javaHome: "/java",
    dicts: ["cache", "other"],
  });
  const settings = ["venv", "java_home", "node"].map((name) => rt.setting(name));
  expect((await Promise.all(settings)).map((value) => value && String(value))).toEqual(["/a venv", "/java", null]);
  await rt.dict("set k first");
  expect(String(await rt.dict("in cache get k"))).toBe("first");
  expect(await rt.dict("in other get k")).toBeNull();
  await expect(rt.dict("in third get k")).rejects.toThrow(/may not use the shared dict "third"/);
});

test("limits hold for the runtime's process", async () => {
  const rt = await load<"limits">(METHODS, "limits", { isolate: true, limits: { files: 100, cpus: 1 } });
  expect(String(await rt.limits())).toBe("files 100 cpus 1");
});
