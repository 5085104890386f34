import { defineConfig } from "vitest/config";
import { patience } from "./vitest.mjs";

export default defineConfig({
  test: { ...patience, include: ["test/**/*.test.ts"] },
});
