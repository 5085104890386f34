import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
export const PACKAGE = join(ROOT, "packages/lua");
export const LIB = join(PACKAGE, "lib");
export const NATIVE = join(ROOT, "native");
export const LIBRESTY = join(NATIVE, "dist/lib/libresty_ffi.so");
/** Runtimes in C: native/test/runtimes. The first echoes whatever the method, the second has methods. */
export const ECHO = join(NATIVE, "dist/lib/test/libffi_c_echo2.so");
export const METHODS = join(NATIVE, "dist/lib/test/libffi_c_methods.so");

for (const file of [LIBRESTY, ECHO, METHODS]) {
  if (!existsSync(file)) throw new Error(`${file} is missing: run npm run build.`);
}
