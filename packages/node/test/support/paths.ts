import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

function built(path: string, how: string): string {
  const file = fileURLToPath(new URL(`../../${path}`, import.meta.url));
  if (!existsSync(file)) throw new Error(`${file} is not built; run "${how}" first.`);
  return file;
}

const core = "cmake -S native -B native/build -G Ninja && cmake --build native/build";

export const restyFfi = () => built("../../native/dist/lib/libresty_ffi.so", core);
export const harness = () => built("../../native/dist/bin/harness", core);
export const nodejs = () => built("dist/libffi_nodejs.so", "npm run build");
export const dist = (file: string) => built(`dist/${file}`, "npm run build");
