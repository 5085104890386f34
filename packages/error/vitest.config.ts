import { patience } from "@resty-ffi/scripts/vitest";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { ...patience, include: ["test/**/*.test.ts"] },
});
