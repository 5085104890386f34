import { defineConfig } from "vitest/config";
import { patience } from "./vitest.ts";

export default defineConfig({
  test: { ...patience, include: ["test/**/*.test.ts"] },
});
