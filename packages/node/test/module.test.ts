import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { parseSpec, resolveModule } from "../src/loader/module.js";
import { Scratch } from "./support/scratch.js";

const scratch = new Scratch();
afterAll(() => scratch.remove());

test.each([
  ["/srv/app.mjs,app,{}", "/srv/app.mjs", "app", "{}"],
  ["app,init,a,b,,c", "app", "init", "a,b,,c"],
  ["app,init,line\nline", "app", "init", "line\nline"],
  ["app,init,", "app", "init", ""],
  ["app,init", "app", "init", null],
  ["app", "app", "default", null],
  ["app?,init,x", "app", "init", "x"],
  ["./app.mjs , init,x", "./app.mjs", "init", "x"],
])("%j is taken apart", (text, module, name, config) => {
  expect(parseSpec(text)).toEqual({ module, name, config });
});

test.each([null, "", ",app,", "?,app"])("%j lacks a module", (text) => {
  expect(() => parseSpec(text)).toThrow(/module,func,cfg/);
});

test("a module is found by path, with or without its extension, in the directory or in NODE_PATH", () => {
  const esm = scratch.write("esm.mjs", "");
  const cjs = scratch.write("lib/cjs.cjs", "");
  const index = scratch.write("lib/folder/index.js", "");
  const { directory } = scratch;
  expect(resolveModule(esm, "/", "")).toBe(esm);
  expect(resolveModule("esm", directory, "")).toBe(esm);
  expect(resolveModule("./esm.mjs", directory, "")).toBe(esm);
  expect(resolveModule("cjs", "/", `/nowhere:${join(directory, "lib")}`)).toBe(cjs);
  expect(resolveModule("lib/folder", directory, "")).toBe(index);
});

test("a module is found as a package installed above the directory", () => {
  scratch.write("node_modules/greeter/package.json", '{"name":"greeter","main":"main.cjs"}');
  const main = scratch.write("node_modules/greeter/main.cjs", "");
  const below = join(scratch.directory, "a/b");
  mkdirSync(below, { recursive: true });
  expect(resolveModule("greeter", below, "")).toBe(main);
});

test("a module that is nowhere is an error that names the places", () => {
  expect(() => resolveModule("nothing", scratch.directory, "/lib/js")).toThrow(
    `The module "nothing" was not found: there is no ${scratch.directory}/nothing, no /lib/js/nothing`,
  );
});
