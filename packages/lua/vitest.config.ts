import { defineConfig } from "vitest/config";
import { patience } from "../../scripts/vitest.ts";

export default defineConfig({
  // Much of the time they wait for servers.
  test: { ...patience, include: ["test/**/*.test.ts"], maxWorkers: 2 },
});
