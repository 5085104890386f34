import { chmodSync } from "node:fs";
import { join } from "node:path";
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

/** Modules with one mistake, and those that import them. */
const WRONG = {
  "wrong.mjs": "const a = 1;\n\nexport const app = ;\n",
  "imports.mjs": 'import "./good.mjs";\nimport { app } from "./wrong.mjs";\nexport { app };',
  "above/imports.mjs": 'import "../imports.mjs";',
  "open.mjs": "#!/usr/bin/env node\nexport function f() {\n  if (true) {\n}\n",
  "later.mjs": 'const { app } = await import("./wrong.mjs");\nexport { app };',
  "good.mjs": "export const good = 1;",
  "wrong.cjs": "const a = 1;\nconst b = ;\n",
  "requires.cjs": 'require("./wrong.cjs");',
  "imports_cjs.mjs": 'import "./wrong.cjs";',
  "name.mjs": 'const a = 1;\nimport { bad } from "./good.mjs";',
  "json.cjs": 'require("./wrong.json");',
  "wrong.json": '{ "a": }',
  "parses.mjs": '\nJSON.parse("{");',
  "missing.mjs": '\nimport "./not_there.mjs";',
  "missing_package.mjs": 'import "a-package-that-is-not-there";',
  "imports_missing.mjs": 'import "./missing.mjs";',
  "wrong.ts": "const a: number = 1;\n\nexport const app: string = ;",
  "missing.cjs": 'require("./not_there.cjs");',
};

beforeAll(() => {
  for (const [name, source] of Object.entries(WRONG)) scratch.write(name, source);
});

const refusal = (file: string) =>
  host.load(`${join(scratch.directory, file)},app,`).then(
    () => "it was loaded",
    (error: Error) => error.message.replaceAll(`${scratch.directory}/`, ""),
  );

test.each([
  ["wrong.mjs", "wrong.mjs:3"],
  ["imports.mjs", "wrong.mjs:3"],
  ["above/imports.mjs", "wrong.mjs:3"],
  ["later.mjs", "wrong.mjs:3"],
  ["open.mjs", "open.mjs:5"],
  ["wrong.cjs", "wrong.cjs:2"],
  ["requires.cjs", "wrong.cjs:2"],
  ["imports_cjs.mjs", "wrong.cjs:2"],
  ["name.mjs", "name.mjs:2"],
  ["parses.mjs", "parses.mjs:2"],
])("the syntax error that %s runs into is at %s", async (file, place) => {
  expect(await refusal(file)).toMatch(new RegExp(`SyntaxError: .* \\(${place}\\)$`));
});

/** Node.js 22.18 and newer takes TypeScript. */
const typescript = "typescript" in process.features && process.features.typescript;

test("a syntax error in TypeScript is told likewise, where Node.js takes it", async () => {
  const expected = typescript ? /^.*SyntaxError.*: .* \(wrong\.ts:3\)$/s : /Unknown file extension ".ts" for wrong\.ts/;
  expect(await refusal("wrong.ts")).toMatch(expected);
});

test.each([
  ["json.cjs", "SyntaxError: wrong.json: "],
  ["missing.mjs", "Cannot find module 'not_there.mjs' imported from missing.mjs"],
  ["imports_missing.mjs", "Cannot find module 'not_there.mjs' imported from missing.mjs"],
  ["missing_package.mjs", "Cannot find package 'a-package-that-is-not-there' imported from missing_package.mjs"],
  ["missing.cjs", "Cannot find module './not_there.cjs'\nRequire stack:\n- missing.cjs"],
])("what %s misses is named, and who misses it", async (file, text) => {
  expect(await refusal(file)).toContain(text);
});

/** Root may read everything: without this right it is like anybody else. */
function powerless(): string | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const drop = "setpriv --inh-caps=-all --bounding-set=-dac_override,-dac_read_search";
  const node = scratch.write("powerless", `#!/bin/sh\nexec ${drop} "${process.execPath}" "$@"\n`);
  chmodSync(node, 0o755);
  return node;
}

test("permission that is missing is said, and where", async () => {
  const hidden = scratch.write("hidden/deep/app.mjs", "export const app = 1;");
  const unreadable = scratch.write("unreadable.mjs", "export const app = 1;");
  const folder = join(scratch.directory, "hidden");
  chmodSync(folder, 0o000);
  chmodSync(unreadable, 0o000);
  const load = (module: string) => host.load(`${module},app,`, { node: powerless() });
  try {
    await expect(load(hidden)).rejects.toThrow(`may not look into ${folder}: give it permission`);
    await expect(load(unreadable)).rejects.toThrow(`EACCES: permission denied, open '${unreadable}'`);
  } finally {
    chmodSync(folder, 0o755);
  }
});
