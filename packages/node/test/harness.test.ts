import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { dist, harness, nodejs } from "./support/paths.js";

const run = promisify(execFile);
const echo = () => `${dist("examples/echo.mjs")},app,`;

test("the C host calls the example", async () => {
  const { stdout } = await run(harness(), ["call", nodejs(), echo(), "echo", "hello"]);
  expect(stdout).toBe("hello");
});

test("the C host sees why a load fails", async () => {
  const failed = run(harness(), ["call", nodejs(), "/nowhere/app.mjs,app,", "echo"]);
  await expect(failed).rejects.toMatchObject({ stderr: expect.stringContaining('"/nowhere/app.mjs" was not found') });
});

test("the C host reports a Node.js that does not exist", async () => {
  const env = { ...process.env, RESTY_FFI_NODE: "/nowhere/node" };
  const failed = run(harness(), ["call", nodejs(), echo(), "echo"], { env });
  await expect(failed).rejects.toMatchObject({ stderr: expect.stringContaining('RESTY_FFI_NODE is "/nowhere/node"') });
});

test("many calls in flight, one after another for a while", async () => {
  const { stdout } = await run(harness(), ["bench", nodejs(), echo(), "64", "1000", "1"]);
  expect(JSON.parse(stdout).calls_per_s).toBeGreaterThan(1000);
});
