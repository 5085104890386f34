import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { ownFiles } from "../src/loader/watch.js";
import { Host } from "./support/host.js";
import { Scratch } from "./support/scratch.js";

const scratch = new Scratch();
let host: Host;
beforeEach(() => {
  host = new Host();
});
afterEach(() => host.close());
afterAll(() => scratch.remove());

async function files(main: string): Promise<string[]> {
  const found: string[] = [];
  for await (const file of ownFiles(main)) found.push(file.slice(scratch.directory.length + 1));
  return found.sort();
}

test("the files of a module are those of its folder that it names", async () => {
  const main = scratch.write(
    "files/main.mjs",
    `import a from "./a.mjs"; import "./b.js"; export * from './lib';
    const c = await import("./c"), d = require("./d.json"), e = await import('./e.js');
    import x from "../outside.mjs"; import y from "./node_modules/y/y.mjs"; import z from "./missing.mjs"; import "fs";`,
  );
  scratch.write("files/a.mjs", 'import "./main.mjs"; import "./deep/er.mjs"');
  for (const name of ["files/b.js", "files/lib/index.js", "files/c.cjs", "files/d.json", "files/e.ts"]) {
    scratch.write(name, "");
  }
  scratch.write("files/deep/er.mjs", "");
  scratch.write("outside.mjs", "");
  scratch.write("files/node_modules/y/y.mjs", "");
  expect(await files(main)).toEqual(
    ["a.mjs", "b.js", "c.cjs", "d.json", "deep/er.mjs", "e.ts", "lib/index.js", "main.mjs"].map((f) =>
      join("files", f),
    ),
  );
});

test.each(["watched.mjs", "part.mjs"])("a change of %s reloads the runtime", async (changed) => {
  const source = (version: string) => ({
    "watched.mjs": `import { createRuntime } from "@resty-ffi/node"; import { part } from "./part.mjs";
      export const app = createRuntime().method("version", () => "${version} " + part);`,
    "part.mjs": `export const part = "${version}";`,
  });
  const write = (name: string, version: string) =>
    scratch.write(name, source(version)[name as keyof ReturnType<typeof source>]);
  write("part.mjs", "1");
  const rt = await host.load(`${write("watched.mjs", "1")},app,`, { watch: true });
  expect(await rt.text("version")).toBe("1 1");
  await new Promise((resolve) => setTimeout(resolve, 100));
  write(changed, "2");
  await expect.poll(() => rt.text("version")).toBe(changed === "part.mjs" ? "1 2" : "2 1");
  await host.line(`${changed} has changed: reloading`);
});
