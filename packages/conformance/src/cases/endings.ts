import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Cell } from "../cell.js";
import { body, text } from "../expect.js";

/** In ms; longer than the time at the end of a runtime that has nothing to finish. */
const LONG = 2500;
const UNTIL = { timeout: 20_000 };

/** One-way calls, and the work of a runtime at its end. */
export function endings(cell: () => Cell): void {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "resty-ffi-endings-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const noted = (file: string) => {
    try {
      return readFileSync(join(folder, file), "utf8");
    } catch {
      return "";
    }
  };
  const finish = (file: string) => `${LONG} ${join(folder, file)}`;

  test("one-way calls are served, and one that fails is logged", async () => {
    const { rt, host, language, transport } = cell();
    const key = `one-way-${language}-${transport}`;
    for (let i = 0; i < 20; i++) await rt.send("dict", `incr ${key} 1`);
    await expect.poll(async () => String(body(await rt.call("dict", `get ${key}`))), UNTIL).toBe("20");
    await rt.send("fail", "42 one way");
    await expect
      .poll(() => host.log().map(({ text }) => text), UNTIL)
      .toContainEqual(expect.stringMatching(/one-way call of "fail" failed \(code 42\): one way/));
  });

  test("what a runtime has to finish is finished after a reload and after an unload", async () => {
    const rt = await cell().another("to finish");
    await rt.call("finish", finish("reloaded"));
    await rt.reload();
    expect(await text(rt, "echo", "the new code serves")).toBe("the new code serves");
    await expect.poll(() => noted("reloaded"), UNTIL).toBe("finished\n");
    await rt.call("finish", finish("unloaded"));
    await rt.unload();
    await expect.poll(() => noted("unloaded"), UNTIL).toBe("finished\n");
  });

  // The Node.js host is this process: its end would end the other cases too.
  test("the end of nginx waits for calls that nobody waits for, and for what is to be finished", async () => {
    const { language, transport, host } = cell();
    if (host.kind !== "nginx") return;
    const own = await Cell.open(language, "nginx", transport);
    await own.rt.send("sleep", "500");
    await own.rt.send("finish", finish("quit"));
    await own.host.close();
    expect(noted("quit")).toBe("finished\n");
    expect(own.host.log().filter(({ text }) => /one-way call|longer than it may/.test(text))).toEqual([]);
  });
}
