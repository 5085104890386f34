import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { descendants } from "@resty-ffi/scripts/processes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { text } from "../../src/expect.js";
import type { Host } from "../../src/host.js";
import { nodeHost } from "../../src/node_host.js";
import { configured, runtimeOf } from "../../src/places.js";

const scratch = mkdtempSync(join(tmpdir(), "resty-ffi-start-"));

/** A runtime for a loader that throws when it is set up, one that never gets done, and one that is not there. */
interface Bad {
  throws: string;
  hangs: string;
  missing: string;
  missingText: RegExp;
}

function python(): Bad {
  writeFileSync(join(scratch, "ffi_throws.py"), 'raise RuntimeError("set up on purpose")\n');
  writeFileSync(join(scratch, "ffi_hangs.py"), "import time\n\ntime.sleep(3600)\n");
  return {
    throws: "ffi_throws,app,",
    hangs: "ffi_hangs,app,",
    missing: "ffi_nowhere,app,",
    missingText: /No module named 'ffi_nowhere'/,
  };
}

function java(): Bad {
  const classes = join(scratch, "classes");
  mkdirSync(classes);
  const jar = join(dirname(runtimeOf("java").lib), "resty-ffi.jar");
  const source = (name: string, statement: string) => {
    const file = join(scratch, `${name}.java`);
    writeFileSync(
      file,
      `import io.github.restyffi.*;
       public class ${name} { public static FfiRuntime init(Config config) throws Exception { ${statement} } }`,
    );
    return file;
  };
  execFileSync("javac", [
    ...["--release", "17", "-cp", jar, "-d", classes],
    source("Throws", 'throw new IllegalStateException("set up on purpose");'),
    source("Hangs", "Thread.sleep(3600_000); return null;"),
  ]);
  return {
    throws: "Throws,init,",
    hangs: "Hangs,init,",
    missing: "no.such.Runtime,init,",
    missingText: /no\.such\.Runtime/,
  };
}

function node(): Bad {
  const module = (name: string, source: string) => {
    const file = join(scratch, `${name}.mjs`);
    writeFileSync(file, source);
    return `${file},app,`;
  };
  return {
    throws: module("throws", 'throw new Error("set up on purpose");'),
    hangs: module("hangs", "await new Promise((resolve) => setTimeout(resolve, 3600_000));"),
    missing: `${scratch}/nowhere.mjs,app,`,
    missingText: /nowhere\.mjs/,
  };
}

const loaders = { python, java, node };
let host: Host;

beforeAll(async () => {
  const env: Record<string, string> = {};
  for (const language of ["python", "java", "node"] as const) Object.assign(env, runtimeOf(language).env);
  env.PYTHONPATH = `${env.PYTHONPATH}:${scratch}`;
  env.CLASSPATH = `${env.CLASSPATH}:${join(scratch, "classes")}`;
  host = await nodeHost(env);
});
afterAll(async () => {
  await host.close();
  rmSync(scratch, { recursive: true });
});

describe.each(["python", "java", "node"] as const)("%s", (language) => {
  const { lib } = runtimeOf(language);
  let bad: Bad;
  beforeAll(() => {
    bad ??= loaders[language]();
  });
  const transports = language === "node" ? [true] : [false, true];

  describe.each(transports)("isolate %s", (isolate) => {
    const refusal = (cfg: string | null, loadTimeout = 30_000) =>
      host.load(lib, cfg, { isolate, loadTimeout }).then(
        () => "it was loaded",
        (error: Error) => error.message,
      );

    test("a runtime whose set-up throws: the text of the exception", async () => {
      expect(await refusal(bad.throws)).toMatch(/^cannot load .*set up on purpose/);
    });

    test("a runtime that is not there", async () => {
      const error = await refusal(bad.missing);
      expect(error).toMatch(/^cannot load /);
      expect(error).toMatch(bad.missingText);
    });

    test("no configuration, or one without a module", async () => {
      expect(await refusal(null)).toMatch(/^cannot load .*(module|class),/);
      expect(await refusal("")).toMatch(/^cannot load .*(module|class),/);
    });

    test("a runtime whose set-up never ends: the load timeout", async () => {
      expect(await refusal(bad.hangs, 1500)).toMatch(/^cannot load .*1500 ms/);
    });

    test("after all these a good one loads and serves", async () => {
      const rt = await host.load(lib, configured(language, `good ${isolate}`), { isolate, loadTimeout: 8000 });
      expect(await text(rt, "config")).toBe(`good ${isolate}`);
      await rt.unload();
    });
  });
});

test("a Node.js that ends by itself: its exit code and its last words", async () => {
  const { lib, env } = runtimeOf("node");
  const variables = Object.entries({ ...env, PATH: process.env.PATH, NODE_OPTIONS: "--no-such-flag" });
  const loading = host.load(lib, configured("node", "last words"), {
    env: variables.map(([name, value]) => `${name}=${value}`),
  });
  await expect(loading).rejects.toThrow(
    /it exited while it was starting \(exit code 9; its last words: ".*--no-such-flag is not allowed in NODE_OPTIONS"\)/,
  );
});

test("no process is left of them", async () => {
  await expect.poll(() => descendants(process.pid).length).toBe(0);
});
