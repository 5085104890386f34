import { patience } from "@resty-ffi/scripts/vitest";
import { defineConfig } from "vitest/config";

// With an nginx given, only what runs in nginx.
const FILES = process.env.RESTY_FFI_TEST_NGINX
  ? ["test/nginx/*.test.ts", "test/**/*nginx.test.ts"]
  : ["test/**/*.test.ts"];

export default defineConfig({
  test: {
    ...patience,
    include: FILES,
    // A process for each file, which is the Node host of its cells. Much of the time they wait for deadlines.
    pool: "forks",
    execArgv: ["--expose-gc"],
    maxWorkers: 3,
    reporters: ["default", "./src/matrix.ts"],
  },
});
