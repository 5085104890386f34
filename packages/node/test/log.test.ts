import { expect, test } from "vitest";
import { createLog } from "../src/log.js";

function recorder() {
  const lines: [number, string][] = [];
  return { lines, log: createLog((level, text) => lines.push([level, text])) };
}

test("every method has nginx's level", () => {
  const { lines, log } = recorder();
  for (const name of ["crit", "error", "warn", "notice", "info", "debug", "fatal", "log", "trace"] as const) {
    log[name](name);
  }
  expect(lines).toEqual([
    [3, "crit"],
    [4, "error"],
    [5, "warn"],
    [6, "notice"],
    [7, "info"],
    [8, "debug"],
    [3, "fatal"],
    [7, "log"],
    [8, "trace"],
  ]);
});

test("a format and its values, as console takes them", () => {
  const { lines, log } = recorder();
  log.info("%d of %s", 3, "seven", { more: 1 });
  log.info("100%");
  expect(lines.map(([, text]) => text)).toEqual(["3 of seven { more: 1 }", "100%"]);
});

test("an object first, as pino takes it, and values of a child", () => {
  const { lines, log } = recorder();
  log.warn({ user: 7 }, "denied %s", "twice");
  log.child({ pid: 1 }).child({ call: 2 }).info("here");
  log.child({ pid: 1 }).info({ user: 7 }, "there");
  expect(lines.map(([, text]) => text)).toEqual([
    'denied twice {"user":7}',
    'here {"pid":1,"call":2}',
    'there {"pid":1,"user":7}',
  ]);
});

test("an error shows its stack, and a value that JSON refuses is logged as well", () => {
  const { lines, log } = recorder();
  log.error(new TypeError("broken"));
  log.info({ big: 1n }, "number");
  expect(lines[0]?.[1]).toMatch(/^TypeError: broken\n {4}at /);
  expect(lines[1]?.[1]).toBe("number { big: 1n }");
});
