import { defineConfig } from "vitest/config";
import { patience } from "../../scripts/vitest.ts";

export default defineConfig({
  // A process for each file, which is the host of its runtimes. Much of the time they wait for servers.
  test: { ...patience, include: ["test/**/*.test.ts"], pool: "forks", maxWorkers: 3 },
});
