import { patience } from "@resty-ffi/scripts/vitest";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Much of the time they wait for servers.
  test: { ...patience, include: ["test/**/*.test.ts"], maxWorkers: 2 },
});
