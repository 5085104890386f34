import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { lua } from "@resty-ffi/nginx";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Nginx } from "../../src/nginx/nginx.js";
import { runtimeOf } from "../../src/places.js";

/** Runtimes that note in the file of their configuration how they end, and what they are of. */
const JAVA = `
import io.github.restyffi.*;
import java.nio.file.*;
public class Ending {
  static String known = "nobody";
  static void note(String file, String text) {
    try {
      Files.writeString(Path.of(file), text + "\\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
  public static FfiRuntime init(Config config) {
    Runtime.getRuntime().addShutdownHook(new Thread(() -> note(config.text(), "end")));
    return FfiRuntime.builder()
        .method("known", (request, call) -> known.getBytes())
        .method("remember", (request, call) -> (known = new String(request)).getBytes())
        .method("text", (request, call) -> Path.of("gr\\u00fc\\u00df").toString().getBytes())
        .onUnload(() -> note(config.text(), "unload"))
        .build();
  }
}`;
const NODE = `
let known = "nobody";
export function init(file) {
  const note = (text) => appendFileSync(file, text + "\\n");
  process.on("exit", () => note("end"));
  return createRuntime()
    .method("known", () => known)
    .method("remember", (request) => (known = String(request)))
    .method("text", async () => {
      await writeFile(file + "grüß", "grüß");
      return readFile(file + "grüß");
    })
    .onUnload(() => note("unload"));
}`;

const scratch = mkdtempSync(join(tmpdir(), "resty-ffi-endings-"));
const classes = join(scratch, "classes");
const RUNTIMES = [
  { name: "java", language: "java", target: "Ending,init,", isolate: false },
  { name: "java_isolated", language: "java", target: "Ending,init,", isolate: true },
  { name: "node", language: "node", target: `${join(scratch, "ending.mjs")},init,`, isolate: false },
] as const;
let nginx: Nginx;

const file = (name: string) => join(scratch, name);
const noted = (name: string) => (existsSync(file(name)) ? readFileSync(file(name), "utf8").trim().split("\n") : []);
const load = (name: string, { language, target, isolate }: (typeof RUNTIMES)[number]) =>
  nginx.lua(
    `assert(fixture.load(${lua(name)}, ${lua(runtimeOf(language).lib)}, ${lua(`${target}${file(name)}`)}, { isolate = ${isolate} }))`,
  );
const call = (name: string, method: string, request?: string) =>
  nginx.lua(`local ok, res, err = fixture.runtimes[${lua(name)}]:${method}(${lua(request)}) return err or res`);

beforeAll(() => {
  mkdirSync(classes);
  const source = join(scratch, "Ending.java");
  writeFileSync(source, JAVA);
  const jar = join(dirname(runtimeOf("java").lib), "resty-ffi.jar");
  execFileSync("javac", ["--release", "17", "-cp", jar, "-d", classes, source]);
  const sdk = pathToFileURL(join(dirname(runtimeOf("node").lib), "index.mjs")).href;
  writeFileSync(
    join(scratch, "ending.mjs"),
    `import { createRuntime } from ${JSON.stringify(sdk)};
    import { appendFileSync } from "node:fs";
    import { readFile, writeFile } from "node:fs/promises";${NODE}`,
  );
});
afterAll(() => rmSync(scratch, { recursive: true }));

beforeEach(async () => {
  nginx = await Nginx.start({ env: { CLASSPATH: classes } });
  for (const runtime of RUNTIMES) await load(runtime.name, runtime);
});
afterEach(async () => {
  await nginx.stop();
  for (const { name } of RUNTIMES) rmSync(file(name), { force: true });
});

const TIMEOUT = { timeout: 20_000 };

test("a graceful quit: what a program ends with runs in each of them", async () => {
  for (const { name } of RUNTIMES) expect(await call(name, "known")).toBe("nobody");
  nginx.signal("SIGQUIT");
  expect(await nginx.exited).toBe(0);
  for (const { name } of RUNTIMES) await expect.poll(() => noted(name), TIMEOUT).toEqual(["unload", "end"]);
  expect(nginx.alarms()).toEqual([]);
});

test("nginx's reload ends the old worker's likewise", async () => {
  nginx.signal("SIGHUP");
  for (const { name } of RUNTIMES) await expect.poll(() => noted(name), TIMEOUT).toEqual(["unload", "end"]);
  expect(nginx.alarms()).toEqual([]);
});

test("unload and reload end a process; in the worker the JVM goes on, and only the runtime ends", async () => {
  for (const { name } of RUNTIMES)
    await nginx.lua(`assert(require("resty.ffi").reload(fixture.runtimes[${lua(name)}]))`);
  const ends = { java: ["unload"], java_isolated: ["unload", "end"], node: ["unload", "end"] };
  for (const { name } of RUNTIMES) await expect.poll(() => noted(name), TIMEOUT).toEqual(ends[name]);
  for (const { name } of RUNTIMES)
    await nginx.lua(`assert(require("resty.ffi").unload(fixture.runtimes[${lua(name)}]))`);
  for (const { name } of RUNTIMES)
    await expect.poll(() => noted(name), TIMEOUT).toEqual([...ends[name], ...ends[name]]);
});

test("another configuration has a state of its own, and text is UTF-8 without a locale", async () => {
  for (const runtime of RUNTIMES) {
    const { name } = runtime;
    expect(await call(name, "remember", "ada")).toBe("ada");
    await load(`${name}_other`, runtime);
    expect(await call(`${name}_other`, "known")).toBe("nobody");
    expect(await call(name, "known")).toBe("ada");
    expect(await call(name, "text")).toBe("grüß");
  }
});
