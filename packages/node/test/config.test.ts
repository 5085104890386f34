import { expect, test } from "vitest";
import { parseConfig } from "../src/config.js";

const withUrl = (value: unknown) => {
  const { url } = value as { url?: unknown };
  if (typeof url !== "string") throw new TypeError("url is missing");
  return { url };
};

test("a configuration is parsed and validated", () => {
  expect(parseConfig('{"url":"x"}', withUrl)).toEqual({ url: "x" });
});

test.each([null, ""])("no configuration (%j) is an empty one", (text) => {
  expect(parseConfig(text, (value) => value)).toEqual({});
});

test("what the validator throws comes through", () => {
  expect(() => parseConfig("{}", withUrl)).toThrow(new TypeError("url is missing"));
});

test("text that is not JSON is an error that says so", () => {
  expect(() => parseConfig("{url", withUrl)).toThrow(/^The configuration is not JSON: .*\.$/);
});
