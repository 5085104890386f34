import { describe, test } from "vitest";
import { type Language, NAMES } from "../places.ts";
import { follow } from "./follow.ts";

// Builds from nothing, some of it with what a registry has.
const TIMEOUT_MS = 900_000;

/** Does what the READMEs of a language's examples say. */
export function readmes(language: Language): void {
  describe(language, () => {
    test.each(NAMES)("what the README of %s says is so", (name) => follow(language, name), TIMEOUT_MS);
  });
}
