import { defineConfig } from "vitest/config";
import { patience } from "../../scripts/vitest.ts";

// Forks: nginx ends with the thread that started it. One file at a time: each starts JVMs or a browser.
export default defineConfig({
  test: { ...patience, include: ["test/**/*.test.ts"], pool: "forks", fileParallelism: false },
});
