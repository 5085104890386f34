import { patience } from "@resty-ffi/scripts/vitest";
import { defineConfig } from "vitest/config";

// Forks: a runtime is part of its process, and a thread of Node's cannot set the environment that it sees.
export default defineConfig({
  test: { ...patience, include: ["test/**/*.test.ts"], pool: "forks", execArgv: ["--expose-gc"] },
});
