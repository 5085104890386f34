import { defineConfig } from "vitest/config";

// With an nginx given, only what runs in nginx.
const FILES = process.env.RESTY_FFI_TEST_NGINX
  ? ["test/nginx/*.test.ts", "test/**/*nginx.test.ts"]
  : ["test/**/*.test.ts"];

export default defineConfig({
  test: {
    include: FILES,
    // A process for each file, which is the Node host of its cells; one at a time, since times and memory are measured.
    pool: "forks",
    execArgv: ["--expose-gc"],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 90_000,
    reporters: ["default", "./src/matrix.ts"],
  },
});
