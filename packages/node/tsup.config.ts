import { copyFile, writeFile } from "node:fs/promises";
import { defineConfig, type Options } from "tsup";

const extension = ({ format }: { format: string }) => ({ js: format === "cjs" ? ".cjs" : ".mjs" });

/** The runtimes in this workspace are built like those of users: they import the package by its name. */
const runtime: Options = { format: "esm", target: "node20", outExtension: extension, external: ["@resty-ffi/node"] };

export default defineConfig([
  {
    entry: { index: "src/index.ts" },
    format: ["esm", "cjs"],
    target: "node20",
    outExtension: extension,
    dts: { resolve: ["@resty-ffi/error"] },
    sourcemap: true,
  },
  {
    entry: { loader: "src/loader/main.ts" },
    format: "esm",
    target: "node20",
    outExtension: extension,
    sourcemap: true,
  },
  {
    entry: { resty_ffi: "src/version1/resty_ffi.ts" },
    format: "cjs",
    target: "node20",
    outDir: "dist/version1",
    outExtension: () => ({ js: ".js" }), // so that NODE_PATH finds it by its name
    onSuccess: () => writeFile("dist/version1/package.json", '{ "type": "commonjs" }\n'),
  },
  {
    ...runtime,
    entry: { conformance: "conformance/conformance.ts" },
    outDir: "dist/conformance",
    onSuccess: async () => {
      await copyFile("conformance/conformance.json", "dist/conformance.json");
      await copyFile("examples/examples.json", "dist/examples.json");
    },
  },
  {
    ...runtime,
    entry: { echo: "examples/echo/src/echo.ts", powers: "examples/powers/powers.ts" },
    outDir: "dist/examples",
  },
]);
