import { patience } from "@resty-ffi/scripts/vitest";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // A process for each file, which is the host of its runtimes. Much of the time they wait for servers.
  test: { ...patience, include: ["test/**/*.test.ts"], pool: "forks", maxWorkers: 3 },
});
