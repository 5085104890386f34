import { describe, test } from "vitest";
import { LANGUAGES, NAMES } from "../src/places.ts";
import { follow } from "../src/readme/follow_scratch.ts";

// Builds from nothing, some of it with what a registry has.
const TIMEOUT_MS = 900_000;

describe.each(LANGUAGES)("%s", (language) => {
  test.each(NAMES)("what the README of %s says is so", (name) => follow(language, name), TIMEOUT_MS);
});
