import { copyFileSync, existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { lua } from "@resty-ffi/nginx";
import { expect, test } from "vitest";
import { everything } from "../../src/nginx/everything.js";
import { Nginx } from "../../src/nginx/nginx.js";
import { LANGUAGES, runtimeOf } from "../../src/places.js";

test("the log of all languages survives its rotation (nginx -s reopen)", async () => {
  const nginx = await Nginx.start(everything());
  try {
    const file = join(nginx.folder, "error.log");
    const say = async (text: string) => {
      for (const language of LANGUAGES) {
        await nginx.lua(`fixture.runtimes[${lua(language)}]:log(${lua(`error ${text} in ${language}`)})`);
      }
    };
    const lines = (path: string, text: string) =>
      LANGUAGES.filter((language) => readFileSync(path, "utf8").includes(`${text} in ${language}`));
    await say("before");
    renameSync(file, `${file}.1`);
    nginx.signal("SIGUSR1");
    await expect.poll(() => existsSync(file)).toBe(true);
    // Until the worker has opened it, it writes to the old one.
    await expect
      .poll(async () => {
        await say("after");
        return lines(file, "after");
      })
      .toEqual([...LANGUAGES]);
    expect(lines(`${file}.1`, "before")).toEqual([...LANGUAGES]);
  } finally {
    await nginx.stop();
  }
});

test("what has line ends in it is one entry for each line: it cannot pass for another's", async () => {
  const nginx = await Nginx.start();
  try {
    const { lib } = runtimeOf("go");
    await nginx.lua(`
      local rt = assert(fixture.load("go", ${lua(lib)}))
      rt:log("error first\\n2026/01/01 00:00:00 [alert] 1#1: forged\\r\\nthird")`);
    const own = () => nginx.log().filter(({ text }) => text.startsWith("[resty-ffi]"));
    await expect.poll(() => own().length).toBe(3);
    expect(own().map(({ level }) => level)).toEqual(["error", "error", "error"]);
    expect(nginx.log().some(({ level }) => level === "alert")).toBe(false);
  } finally {
    await nginx.stop();
  }
});

test("a name or a text with a % in it is not a format", async () => {
  const nginx = await Nginx.start();
  try {
    const lib = join(nginx.folder, "libffi_%s%n%*s.so");
    copyFileSync(runtimeOf("go").lib, lib);
    await nginx.lua(`
      local rt = assert(fixture.load("go", ${lua(lib)}))
      rt:log("error 100%s %n %*s %V")`);
    const own = () => nginx.log().filter(({ text }) => text.startsWith("[resty-ffi]"));
    await expect.poll(() => own().length).toBe(1);
    expect(own()[0]).toMatchObject({ level: "error" });
    expect(own()[0]?.text).toContain("ffi_%s%n%*s");
    expect(own()[0]?.text).toContain(": 100%s %n %*s %V");
  } finally {
    await nginx.stop();
  }
});
