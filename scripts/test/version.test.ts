import { expect, test } from "vitest";
import { atLeast, parsePolicy, parseVersion } from "../setup/version.ts";

test("1", () => expect(atLeast("1.26", "1.24")).toBe(true));
