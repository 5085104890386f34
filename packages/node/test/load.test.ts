import { chmodSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Host } from "./support/host.js";
import { dist } from "./support/paths.js";
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

test("an ESM runtime, a CommonJS one, functions that make one, and defaults", async () => {
  const esm = scratch.write(
    "esm.mjs",
    `import { createRuntime } from "@resty-ffi/node";
    export const app = createRuntime().method("who", () => "esm object");
    export default app;
    export async function init(cfg) {
      await null;
      return createRuntime().method("who", () => "esm function " + JSON.stringify(cfg));
    }`,
  );
  const cjs = scratch.write(
    "cjs.cjs",
    `const { createRuntime } = require("@resty-ffi/node");
    const hidden = {};
    hidden["in" + "it"] = (cfg) => createRuntime().method("who", () => "cjs function " + cfg);
    module.exports = hidden;`,
  );
  const only = scratch.write(
    "only.cjs",
    `module.exports = require("@resty-ffi/node").createRuntime().method("who", () => "cjs default");`,
  );
  const answers = await Promise.all(
    [`${esm},app,`, esm, `${esm},init`, `${esm}?,init,x`, `${cjs},init,y,z`, only].map(async (cfg) =>
      (await host.load(cfg)).text("who"),
    ),
  );
  expect(answers).toEqual([
    "esm object",
    "esm object",
    "esm function null",
    'esm function "x"',
    "cjs function y,z",
    "cjs default",
  ]);
});

test("the ten lines of the example", async () => {
  const rt = await host.load(`${dist("examples/echo.mjs")},app,`);
  expect(await rt.text("echo", "hello")).toBe("hello");
  expect(await rt.text("anything")).toBe("hello from anything");
});

test("log, dict and configuration outside of calls", async () => {
  const file = scratch.write(
    "outside.mjs",
    `import { createRuntime } from "@resty-ffi/node";
    export const app = createRuntime().method("value", () => app.dict.get("outside"));
    app.log.notice("loading with %s in %s", app.config, app.name);
    setTimeout(() => app.dict.set("outside", "set"), 1);`,
  );
  const rt = await host.load(`${file},app,cfg`);
  await expect.poll(() => rt.text("value")).toBe("set");
  expect((await host.line("loading with cfg in ")).level).toBe(6);
});

test("Node.js is what the option node names", async () => {
  const file = scratch.write(
    "wrapped.mjs",
    `import { createRuntime } from "@resty-ffi/node";
    export const app = createRuntime().method("by", () => process.env.WRAPPED_BY);`,
  );
  const node = scratch.write("bin/other", `#!/bin/sh\nWRAPPED_BY=other exec "${process.execPath}" "$@"\n`);
  chmodSync(node, 0o755);
  expect(await (await host.load(`${file},app,`, { node })).text("by")).toBe("other");
  const missing = host.load(`${file},app,missing`, { node: "/nowhere/node" });
  await expect(missing).rejects.toThrow('RESTY_FFI_NODE is "/nowhere/node"');
});

test.each([
  ["throws.mjs", 'throw new TypeError("broken at the top");', "TypeError: broken at the top"],
  ["syntax.mjs", "export const app = ;", "SyntaxError: "],
  ["init.mjs", 'export const app = () => { throw new Error("no config"); };', "Error: no config"],
  ["undefined.mjs", "export const app = () => {};", "did not return a runtime; let it return createRuntime()"],
  [
    "missing.mjs",
    "export const other = 1;",
    'exports no "app"; name a runtime, or a function that returns one (it exports: other).',
  ],
  ["wrong.mjs", "export const app = { echo() {} };", 'exports a "app" that is not a runtime'],
  ["exits.mjs", "process.exit(5);", "ended its process with code 5 while loading."],
  ["hangs.mjs", "await new Promise(() => {});", "while loading; a top-level await for what never comes"],
  [
    "twice.mjs",
    'import { createRuntime } from "@resty-ffi/node"; export const app = createRuntime().method("a", () => "").method("a", () => "");',
    'The method "a" is registered already',
  ],
])("%s fails the load with its reason", async (name, source, reason) => {
  const file = scratch.write(name, source);
  await expect(host.load(`${file},app,`)).rejects.toThrow(reason);
});

test("what fails while loading is logged with its stack", async () => {
  const file = scratch.write("stack.mjs", 'export function app() { throw new Error("deep down"); }');
  await expect(host.load(`${file},app,`)).rejects.toThrow("Error: deep down");
  expect((await host.line("deep down\n")).text).toContain("stack.mjs:1");
});

test("a module that is not there, and no module at all", async () => {
  await expect(host.load("/nowhere/app.mjs,app,")).rejects.toThrow('The module "/nowhere/app.mjs" was not found');
  await expect(host.load(null)).rejects.toThrow('needs a configuration of the form "module,func,cfg"');
});
