import { defineConfig } from "vitest/config";

export default defineConfig({
  // A process for each file, which is the host of its runtimes.
  test: { include: ["test/**/*.test.ts"], pool: "forks", maxWorkers: 2, testTimeout: 60_000, hookTimeout: 60_000 },
});
