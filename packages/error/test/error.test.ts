import { inspect } from "node:util";
import { expect, test, vi } from "vitest";
import { RestyFfiError, Status } from "../src/error.ts";

test("an error carries its code and its cause", () => {
  const cause = new Error("below");
  const error = new RestyFfiError("no such user", 404, { cause });
  expect(error).toMatchObject({ name: "RestyFfiError", message: "no such user", code: 404, cause });
  expect(error).toBeInstanceOf(Error);
  expect(inspect(error)).not.toContain("Symbol(");
  expect(new RestyFfiError("gone", Status.UNLOADED).code).toBe(-8);
});

test.each([0, 1.5, 2 ** 31, Number.NaN])("%d is not a code", (code) => {
  expect(() => new RestyFfiError("x", code)).toThrow(RangeError);
});

test("errors of other kinds are not taken for one, even with a code", () => {
  const like = Object.assign(new Error("x"), { name: "RestyFfiError", code: 20 });
  for (const other of [like, new Error("x"), null, undefined, "x", 1]) expect(other).not.toBeInstanceOf(RestyFfiError);
});

test("an error of another copy of the class is an instance", async () => {
  vi.resetModules();
  const copy = await import("../src/error.ts");
  expect(copy.RestyFfiError).not.toBe(RestyFfiError);
  expect(new copy.RestyFfiError("x", 1)).toBeInstanceOf(RestyFfiError);
  expect(new RestyFfiError("x", 1)).toBeInstanceOf(copy.RestyFfiError);
});

test("a subclass has its own instances only, and narrows to itself", () => {
  class Missing extends RestyFfiError {
    readonly user = "anna";
  }
  const error: unknown = new Missing("x", 404);
  expect(error instanceof Missing && error.user).toBe("anna");
  expect(error instanceof RestyFfiError && error.code).toBe(404);
  expect(new RestyFfiError("x", 404)).not.toBeInstanceOf(Missing);
});
