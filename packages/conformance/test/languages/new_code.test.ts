import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { call, close, configure, load, type Runtime, reload } from "@resty-ffi/host";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Language, runtimeOf } from "../../src/places.js";

/** Code of a language whose `version` answers the given number; code for undefined does not load. */
interface Code {
  lib: string;
  cfg: string | null;
  write(version: number | undefined): void;
}

const folder = mkdtempSync(join(tmpdir(), "resty-ffi-new-code-"));
const dist = (language: Language) => dirname(runtimeOf(language).lib);

/** In one step, as a build or an editor that is careful would do it. */
function put(path: string, from: string | { text: string }): void {
  mkdirSync(dirname(path), { recursive: true });
  if (typeof from === "string") copyFileSync(from, `${path}.new`);
  else writeFileSync(`${path}.new`, from.text);
  renameSync(`${path}.new`, path);
}

/** A library: its echo is version 1, its conformance runtime version 2. */
function library(language: "go" | "rust", name: string): Code {
  const lib = join(folder, `libffi_${name}.so`);
  return {
    lib,
    cfg: null,
    write: (version) =>
      version === undefined
        ? put(lib, { text: "no library" })
        : put(lib, join(dist(language), `libffi_${language}_${version === 1 ? "echo" : "conformance"}.so`)),
  };
}

/** `name`: a module of a process is loaded once, so each test has its own. */
const CODE: Record<Language, (name: string) => Code> = {
  go: (name) => library("go", name),
  rust: (name) => library("rust", name),
  python: (name) => ({
    lib: runtimeOf("python").lib,
    cfg: `${name},app,`,
    write: (version) =>
      put(join(folder, `python/${name}.py`), {
        text:
          version === undefined
            ? "import there_is_no_such_module"
            : `import resty_ffi\napp = resty_ffi.Runtime()\n\n@app.method\ndef version(req):\n    return b"${version}"\n`,
      }),
  }),
  java: (name) => ({
    lib: runtimeOf("java").lib,
    cfg: `${name}.App,init,`,
    write(version) {
      const source = join(folder, "App.java");
      const body =
        version === undefined
          ? 'throw new IllegalStateException("no version");'
          : `return FfiRuntime.builder().fastMethod("version", (request, call) -> "${version}".getBytes()).build();`;
      writeFileSync(
        source,
        `package ${name};
        import io.github.restyffi.Config;
        import io.github.restyffi.FfiRuntime;
        public final class App { public static FfiRuntime init(Config config) { ${body} } }`,
      );
      const classes = join(folder, "java");
      execFileSync("javac", ["-cp", join(dist("java"), "resty-ffi.jar"), "-d", classes, source], { stdio: "pipe" });
    },
  }),
  node: (name) => {
    const module = join(folder, `node/${name}.mjs`);
    return {
      lib: runtimeOf("node").lib,
      cfg: `${module},app,`,
      write(version) {
        mkdirSync(join(folder, "node/node_modules/@resty-ffi"), { recursive: true });
        const link = join(folder, "node/node_modules/@resty-ffi/node");
        rmSync(link, { force: true });
        symlinkSync(dirname(dist("node")), link);
        put(module, {
          text:
            version === undefined
              ? 'import "./there-is-no-such-module.mjs";'
              : `import { createRuntime } from "@resty-ffi/node";
                 export const app = createRuntime().method("version", () => "${version}");`,
        });
      },
    };
  },
};

/** Libraries have no method of this name: what tells their versions apart is `lang`, which echo's do not have. */
async function version(rt: Runtime, language: Language): Promise<number> {
  if (language === "go" || language === "rust") {
    return call(rt, "lang").then(
      (answer) => (answer?.toString().includes(`"${language}"`) ? 2 : 1),
      () => 1,
    );
  }
  return Number(await call(rt, "version"));
}

const log: string[] = [];
beforeAll(() => {
  process.env.PYTHONPATH = join(folder, "python");
  process.env.CLASSPATH = join(folder, "java");
  configure({ onLog: (level, text) => log.push(`${level} ${text}`) });
});
afterAll(async () => {
  await close(5000);
  rmSync(folder, { recursive: true, force: true });
});

const LANGUAGES = ["go", "rust", "python", "java", "node"] as const;
const CELLS = LANGUAGES.flatMap((language) =>
  (language === "node" ? ["process"] : ["thread", "process"]).map((transport) => [language, transport] as const),
);

describe.each(CELLS)("%s over the transport %s", (language, transport) => {
  const isolate = transport === "process";

  test("a reload brings new code; one that cannot load leaves what was there, and says why", async () => {
    const { lib, cfg, write } = CODE[language](`reloaded_${language}_${transport}`);
    write(1);
    const rt = await load(lib, cfg === null ? transport : `${cfg}${transport}`, { isolate, loadTimeout: 60_000 });
    expect(await version(rt, language)).toBe(1);
    write(2);
    expect(await version(rt, language)).toBe(1);
    await reload(rt);
    expect(await version(rt, language)).toBe(2);
    write(undefined);
    await expect(reload(rt)).rejects.toThrow(/was not reloaded: .*\S/);
    expect(await version(rt, language)).toBe(2);
    write(2);
    await reload(rt);
    expect(await version(rt, language)).toBe(2);
  });

  test("watch reloads when the file changes", async () => {
    const { lib, cfg, write } = CODE[language](`watched_${language}_${transport}`);
    write(1);
    const key = `watch ${transport}`;
    const rt = await load(lib, cfg === null ? key : `${cfg}${key}`, { isolate, watch: true, loadTimeout: 60_000 });
    await delay(1500);
    expect(await version(rt, language)).toBe(1);
    write(2);
    await expect.poll(() => version(rt, language)).toBe(2);
    expect(log.some((line) => line.startsWith("notice") && line.endsWith("has changed: reloading"))).toBe(true);
  });
});
