import { close } from "@resty-ffi/host";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Example } from "./example.ts";
import type { Language } from "./places.ts";

export function echoExample(language: Language): void {
  describe(`echo in ${language}`, () => {
    let echo: Example;
    beforeAll(async () => {
      echo = await Example.load(language, "echo", undefined);
    });
    afterAll(() => close(5000));

    test("echo answers with the request, whatever it is", async () => {
      for (const request of ["hello", "Grüße 🌍", '{"a": [1, null]}']) {
        expect(String(await echo.raw("echo", request))).toBe(request);
      }
      const bytes = Buffer.from([0, 255, 1, 254, 0]);
      expect((await echo.raw("echo", bytes))?.equals(bytes)).toBe(true);
    });

    test("any other method says hello", async () => {
      expect(String(await echo.raw("foo", null))).toBe("hello from foo");
      expect(String(await echo.raw("bar", "ignored"))).toBe("hello from bar");
    });
  });
}
