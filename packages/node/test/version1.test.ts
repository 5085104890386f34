import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Host } from "./support/host.js";
import { Scratch } from "./support/scratch.js";

const scratch = new Scratch();
let host: Host;

beforeAll(() => {
  host = new Host();
});
afterAll(() => {
  host?.close();
  scratch.remove();
});

/** A module as for lua-resty-ffi, whose main thread does `serve` for each task. */
const module = (name: string, serve: string) =>
  scratch.write(
    `${name}.cjs`,
    `const { Worker, isMainThread, parentPort } = require("node:worker_threads");
    const ffi = require("resty_ffi");
    if (isMainThread) {
      exports.init = (cfg, tq) => {
        const worker = new Worker(__filename);
        worker.on("message", (task) => { ${serve} });
        worker.postMessage(tq);
        return 0;
      };
    } else {
      parentPort.once("message", (tq) => {
        for (let task; (task = ffi.poll_task(tq)) != 0; ) parentPort.postMessage(task);
      });
    }`,
  );

test("init(cfg, tq): text, nothing, bytes, codes", async () => {
  const file = module(
    "answers",
    `const request = ffi.get_req(task);
    if (request === undefined) ffi.respond(task, 0);
    else if (request === "bytes") ffi.respond(task, 0, Buffer.from([1, 0, 255]));
    else if (request === "fail") ffi.respond(task, 7, "seven");
    else ffi.respond(task, 0, cfg + request);`,
  );
  const rt = await host.load(`${file},init,a,b `);
  expect(await rt.text("any", "grüße")).toBe("a,b grüße");
  expect(await rt.text("any", "x".repeat(1_000_000))).toBe(`a,b ${"x".repeat(1_000_000)}`);
  expect(await rt.call("any")).toBeNull();
  expect(await rt.call("any", "bytes")).toEqual(Buffer.from([1, 0, 255]));
  await expect(rt.call("any", "fail")).rejects.toMatchObject({ status: 7, message: "seven" });
  const empty = await host.load(`${file},init`);
  expect(await empty.text("any", "")).toBe("");
});

test("an init that returns another number, or throws, fails the load", async () => {
  const refuse = scratch.write("refuse.cjs", "exports.init = (cfg, tq) => 3;");
  await expect(host.load(`${refuse},init,`)).rejects.toThrow(/function "init" of .*refuse\.cjs returned 3/);
  const thrown = scratch.write("thrown.cjs", 'exports.init = (cfg, tq) => { throw new Error("no server"); };');
  await expect(host.load(`${thrown},init,`)).rejects.toThrow(/no server/);
});

test("a resty_ffi of its own comes first", async () => {
  const file = scratch.write("own/main.cjs", 'exports.init = (cfg, tq) => require("resty_ffi").code;');
  const own = join(dirname(file), "node_modules/resty_ffi/index.js");
  mkdirSync(dirname(own), { recursive: true });
  writeFileSync(own, "exports.code = 42;");
  await expect(host.load(`${file},init,`)).rejects.toThrow(/returned 42/);
});
