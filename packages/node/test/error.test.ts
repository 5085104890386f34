import { expect, test } from "vitest";
import { isRestyFfiError, RestyFfiError, Status } from "../src/error.js";

test("an error carries its code and its cause", () => {
  const cause = new Error("below");
  const error = new RestyFfiError("no such user", 404, { cause });
  expect(error).toMatchObject({ name: "RestyFfiError", message: "no such user", code: 404, cause });
  expect(error).toBeInstanceOf(Error);
  expect(new RestyFfiError("gone", Status.UNLOADED).code).toBe(-8);
});

test.each([0, 1.5, 2 ** 31, Number.NaN])("%d is no code", (code) => {
  expect(() => new RestyFfiError("x", code)).toThrow(RangeError);
});

test("errors of other kinds are told apart, even with a code", () => {
  expect(isRestyFfiError(new RestyFfiError("x", 1))).toBe(true);
  expect(isRestyFfiError(Object.assign(new Error("x"), { code: 20 }))).toBe(false);
  expect(isRestyFfiError(null)).toBe(false);
  expect(isRestyFfiError("x")).toBe(false);
});
