import { Buffer } from "node:buffer";
import { chmodSync, copyFileSync, existsSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import koffi from "koffi";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { dist, nodejs } from "./support/paths.js";
import { Scratch } from "./support/scratch.js";

const SWEEP = "--no-concurrent-array-buffer-sweeping";
const scratch = new Scratch();
const saved = { ...process.env };

beforeEach(() => {
  delete process.env.RESTY_FFI_NODE;
  delete process.env.NODE_OPTIONS;
});
afterEach(() => {
  for (const name of ["RESTY_FFI_NODE", "NODE_OPTIONS", "PATH", "HOME"]) {
    if (saved[name] === undefined) delete process.env[name];
    else process.env[name] = saved[name];
  }
});
afterAll(() => scratch.remove());

function argv(library = nodejs(), size = 4096): string[] {
  const out = Buffer.alloc(size);
  const written: number = koffi.load(library).func("int libffi_argv(const char *cfg, void *out, int size)")(
    "a,b,c",
    out,
    size,
  );
  if (written < 0) throw new Error(out.toString("utf8", 0, out.indexOf(0)));
  expect(out[written - 1]).toBe(0);
  return out.toString("utf8", 0, written - 1).split("\0");
}

function program(name: string, version = "v20.0.0"): string {
  const file = scratch.write(name, `#!/bin/sh\necho "${version}"\n`);
  chmodSync(file, 0o755);
  return file;
}

test("RESTY_FFI_NODE comes first", () => {
  process.env.RESTY_FFI_NODE = process.execPath;
  process.env.PATH = dirname(program("on-path/node"));
  expect(argv()).toEqual([process.execPath, SWEEP, "--max-semi-space-size=4", dist("loader.mjs")]);
});

test("a size of the young generation in NODE_OPTIONS wins", () => {
  process.env.RESTY_FFI_NODE = process.execPath;
  process.env.NODE_OPTIONS = "--no-warnings --max-semi-space-size=32";
  expect(argv()).toEqual([process.execPath, SWEEP, dist("loader.mjs")]);
  process.env.NODE_OPTIONS = "--no-warnings";
  expect(argv()).toHaveLength(4);
});

test("RESTY_FFI_NODE that is not a program is refused by name", () => {
  process.env.RESTY_FFI_NODE = "/nowhere/node";
  expect(() => argv()).toThrow(
    'RESTY_FFI_NODE is "/nowhere/node", which is not a program (No such file or directory); set RESTY_FFI_NODE, or the',
  );
});

test.each([
  [
    "v18.20.4",
    /^RESTY_FFI_NODE is ".*", which is Node.js v18.20.4; 20 or newer is needed: set RESTY_FFI_NODE, or the op/,
  ],
  ["bun 1.1", /^RESTY_FFI_NODE is ".*", which does not answer --version as Node.js does; set RESTY_FFI_NODE/],
  ["", /^RESTY_FFI_NODE is ".*", which does not answer --version/],
])("a program that calls itself %j is refused", (version, message) => {
  process.env.RESTY_FFI_NODE = program("other/node", version);
  expect(() => argv()).toThrow(message);
});

test("an old Node.js on PATH is refused too, whatever NODE_OPTIONS says", () => {
  process.env.PATH = dirname(program("old/node", "v16.0.0"));
  expect(() => argv()).toThrow(/^the Node.js that was found is ".*old\/node", which is Node.js v16.0.0/);
  process.env.RESTY_FFI_NODE = process.execPath;
  process.env.NODE_OPTIONS = "--require /nowhere.js";
  expect(argv()[0]).toBe(process.execPath);
});

test("PATH comes next; a file that is not a program is passed over", () => {
  const plain = dirname(scratch.write("plain/node", ""));
  const node = program("good/node");
  process.env.PATH = `:/nowhere:${plain}:${dirname(node)}`;
  expect(argv()[0]).toBe(node);
});

test("without PATH the usual places are searched", () => {
  const node = program("home/.nvm/versions/node/v20.0.0/bin/node");
  delete process.env.PATH;
  process.env.HOME = join(scratch.directory, "home");
  const system = ["/usr/local/bin/node", "/usr/bin/node", "/bin/node"].find((file) => existsSync(file));
  const [found] = argv();
  if (system) expect(found).toBe(system);
  else expect(found).toMatch(new RegExp(`^(${node}|/opt/.*|/usr/local/.*)$`));
});

test("a link to the library finds the loader beside the real one", () => {
  process.env.RESTY_FFI_NODE = process.execPath;
  const link = join(scratch.directory, "libffi_nodejs.so");
  symlinkSync(nodejs(), link);
  expect(argv(link).at(-1)).toBe(dist("loader.mjs"));
});

test("a copy of the library without its loader says what it lacks", () => {
  process.env.RESTY_FFI_NODE = process.execPath;
  const copy = join(scratch.directory, "copy.so");
  copyFileSync(nodejs(), copy);
  expect(() => argv(copy)).toThrow(`libffi_nodejs.so needs loader.mjs in its own directory, ${scratch.directory}`);
});

test("a command line that does not fit is refused", () => {
  process.env.RESTY_FFI_NODE = process.execPath;
  expect(() => argv(nodejs(), 40)).toThrow("the paths of Node.js and of");
});
