import { patience } from "@resty-ffi/scripts/vitest";
import { defineConfig } from "vitest/config";

// Forks: nginx ends with the thread that started it. One file at a time: each starts JVMs or a browser.
export default defineConfig({
  test: { ...patience, include: ["test/**/*.test.ts"], pool: "forks", fileParallelism: false },
});
