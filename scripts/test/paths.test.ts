import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { paths } from "../paths.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "paths-"));
  for (const file of [
    "native/dist/lib/libresty_ffi.so",
    "native/dist/bin/resty-ffi-run",
    "native/include/resty_ffi.h",
    "runtimes/go/dist/libffi_etcd.so",
    "runtimes/rust/dist/libffi_grpc.so",
  ]) {
    put(file, "");
  }
  mkdirSync(join(root, "packages/lua/lib"), { recursive: true });
  for (const folder of ["runtimes/go", "runtimes/rust", "runtimes/python", "runtimes/java", "packages/node"]) {
    put(`${folder}/dist/libffi_x.so`, "");
    put(`${folder}/dist/conformance.json`, '{"lib":"dist/libffi_x.so"}');
  }
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function put(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

test("tells the absolute places of everything", () => {
  const found = paths(root);
  expect(found).toMatchObject({
    lib: join(root, "native/dist/lib/libresty_ffi.so"),
    include: join(root, "native/include"),
    lua: join(root, "packages/lua/lib"),
    runner: join(root, "native/dist/bin/resty-ffi-run"),
    clients: [join(root, "runtimes/go/dist"), join(root, "runtimes/rust/dist")],
  });
  expect(Object.keys(found.runtimes)).toEqual(["go", "rust", "python", "java", "node"]);
  expect(found.runtimes.go).toEqual({ lib: join(root, "runtimes/go/dist/libffi_x.so"), cfg: null, env: {} });
});

test("the workspace's folder takes the place of dir in cfg and env", () => {
  const dir = "$" + "{dir}";
  const described = { lib: "dist/libffi_x.so", cfg: `a,b,${dir}`, env: { PYTHONPATH: `${dir}/dist:${dir}/src` } };
  put("runtimes/python/dist/conformance.json", JSON.stringify(described));
  const folder = join(root, "runtimes/python");
  expect(paths(root).runtimes.python).toMatchObject({
    cfg: `a,b,${folder}`,
    env: { PYTHONPATH: `${folder}/dist:${folder}/src` },
  });
});

test("all that is missing is named at once", () => {
  rmSync(join(root, "native/dist/lib/libresty_ffi.so"));
  rmSync(join(root, "runtimes/java/dist/conformance.json"));
  rmSync(join(root, "runtimes/rust/dist/libffi_x.so"));
  const message = (() => {
    try {
      paths(root);
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  })();
  expect(message).toContain("run `npm run build`");
  expect(message).toContain("native/dist/lib/libresty_ffi.so is missing");
  expect(message).toContain("runtimes/java: dist/conformance.json is missing");
  expect(message).toContain("runtimes/rust: its library dist/libffi_x.so is missing");
});

test.each([
  ["{", /runtimes\/go: .*JSON/],
  ['{"cfg":"a"}', /runtimes\/go: .*needs "lib"/],
  ['{"lib":"dist/libffi_x.so","cfg":1}', /runtimes\/go: "cfg"/],
  ['{"lib":"dist/libffi_x.so","env":{"A":1}}', /runtimes\/go: "env"/],
])("a description such as %s is refused", (text, message) => {
  put("runtimes/go/dist/conformance.json", text);
  expect(() => paths(root)).toThrow(message);
});
