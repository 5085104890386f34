import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const place = (file: string) => fileURLToPath(new URL(`../../../native/dist/lib/${file}`, import.meta.url));

export const LIBRARY = place("libresty_ffi.so");
/** Echoes, written in C with the ABI's version 1; its configuration is the number of its threads. */
export const ECHO1 = place("test/libffi_c_echo1.so");
/** The same with version 2. */
export const ECHO2 = place("test/libffi_c_echo2.so");
/** The methods of the conformance suite, streams among them. */
export const METHODS = place("test/libffi_c_methods.so");

for (const file of [LIBRARY, ECHO1, ECHO2, METHODS]) {
  if (!existsSync(file)) throw new Error(`${file} is missing: build @resty-ffi/native first.`);
}
