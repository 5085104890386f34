import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["page/page.ts", "page/services.ts"],
  outDir: "dist/page",
  format: "iife",
  platform: "browser",
  target: "es2022",
  minify: true,
  outExtension: () => ({ js: ".js" }),
  tsconfig: "page/tsconfig.json",
  clean: true,
});
