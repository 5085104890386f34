import { expect, test } from "vitest";
import type { Cell } from "../cell.js";
import { text } from "../expect.js";

/** SIGTERM, or SIGKILL for a language that has no other way to end a program. */
const ENDED = /^signal (15|9)$/;

/** Programs that a runtime starts, and the process in which it runs. */
export function programs(cell: () => Cell): void {
  const ways = () => (["rust", "python"].includes(cell().language) ? ["run", "run-async"] : ["run"]);
  const run = (way: string, first: string, ...words: string[]) =>
    text(cell().rt, way, [first, ...words].join("\n"), 40_000);
  const shell = (way: string, script: string, first = "wait 0") => run(way, first, "/bin/sh", "-c", script);

  test("a program's end is what its starter learns, long after it too", async () => {
    for (const way of ways()) {
      expect(await run(way, "wait 300", "/bin/true")).toBe("exit 0");
      expect(await shell(way, "exit 7", "wait 300")).toBe("exit 7");
      expect(await shell(way, "exit 2")).toBe("exit 2");
      expect(await shell(way, "kill -TERM $$", "wait 300")).toBe("signal 15");
      expect(await shell(way, "kill -KILL $$")).toBe("signal 9");
    }
  });

  test("120 programs in a row, and 20 at once, end with their own codes", async () => {
    for (const way of ways()) {
      const codes = Array.from({ length: 120 }, (_, k) => k);
      for (const code of codes) expect(await shell(way, `exit ${code}`)).toBe(`exit ${code}`);
      const some = codes.slice(0, 20);
      const found = await Promise.all(some.map((code) => shell(way, `exit ${code}`, "wait 100")));
      expect(found).toEqual(some.map((code) => `exit ${code}`));
    }
  });

  test("a program is born with nothing blocked: it can be ended, and waits for its own children", async () => {
    for (const way of ways()) {
      expect(await run(way, "end 50", "/bin/sleep", "60")).toMatch(ENDED);
      expect(await shell(way, "sleep 0.2 & wait; exit 5")).toBe("exit 5");
      expect(await shell(way, "grep -q '^SigBlk:[[:space:]]*0*$' /proc/self/status")).toBe("exit 0");
    }
  });

  test("a program inherits none of the host's sockets", async () => {
    const found = "case $f:$(readlink $f) in */[012]:*) ;; *:socket:*|*:anon_inode:*) n=$((n + 1)) ;; esac";
    const script = `n=0; for f in /proc/$$/fd/*; do ${found}; done; exit $n`;
    for (const way of ways()) expect(await shell(way, script)).toBe("exit 0");
  });

  test("the environment is the host's", async ({ skip }) => {
    const { rt, host } = cell();
    if (host.kind === "nginx") skip("test/nginx/process.test.ts looks at nginx's, which it makes itself");
    const others = (lines: string[]) => lines.filter((line) => !line.startsWith("RESTY_FFI_")).sort();
    const found = (await text(rt, "environment")).split("\n");
    const expected = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
    expect(others(found)).toEqual(others(expected));
  });

  test("there are no arguments: those of the host's program are not the library's", async () => {
    const { rt, language, host, transport } = cell();
    const found = await text(rt, "arguments");
    // Rust's std reads them from the place where the kernel put them; a host that uses this place keeps its own.
    if (language === "rust" && host.kind === "node" && transport === "thread") expect(found).toMatch(/^\d+$/);
    else expect(found).toBe("0");
  });
}
