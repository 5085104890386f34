import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { environment, ROOT } from "../environment.ts";
import { workspaces } from "../workspaces.ts";

test("finds the folders with a package.json that the globs name", () => {
  const root = mkdtempSync(join(tmpdir(), "workspaces-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const put = (folder: string, manifest: object) => {
    mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folder, "package.json"), JSON.stringify(manifest));
  };
  put(".", { workspaces: ["core", "packages/*", "none/*"] });
  put("core", { name: "core", scripts: { test: "true" } });
  put("packages/b", { name: "b" });
  put("packages/a", { name: "a" });
  mkdirSync(join(root, "packages/empty"));
  expect(workspaces(root)).toEqual([
    { name: "core", folder: join(root, "core"), scripts: { test: "true" } },
    { name: "a", folder: join(root, "packages/a"), scripts: {} },
    { name: "b", folder: join(root, "packages/b"), scripts: {} },
  ]);
});

test("the environment puts our own commands first, and keeps what was set", () => {
  const env = environment({ PATH: "/usr/bin:/bin", GOFLAGS: "-mod=mod", HOME: "/home/a" });
  expect(env.PATH?.split(":")[0]).toBe(join(ROOT, "node_modules/.bin"));
  expect(env.PATH?.split(":")).toContain("/usr/sbin");
  expect(env.GOFLAGS).toBe("-mod=mod -buildvcs=false");
  expect(env.HOME).toBe("/home/a");
});

test("a JAVA_HOME without a compiler is not believed", () => {
  const root = mkdtempSync(join(tmpdir(), "java-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  expect(environment({ PATH: "", JAVA_HOME: root }).JAVA_HOME).not.toBe(root);
  mkdirSync(join(root, "bin"));
  writeFileSync(join(root, "bin", "javac"), "");
  expect(environment({ PATH: "", JAVA_HOME: root }).JAVA_HOME).toBe(root);
});

test("the root's verbs take the place of their shell: a shell would keep a signal from them, and leave the demo behind", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const verbs = Object.values(scripts).filter((line) => line.includes("bootstrap.mjs"));
  expect(verbs.length).toBeGreaterThan(5);
  for (const line of verbs) expect(line).toMatch(/^exec node /);
});
