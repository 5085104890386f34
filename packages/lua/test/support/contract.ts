import { readFileSync } from "node:fs";
import { join } from "node:path";
import { NATIVE } from "./places.ts";

/** What the compiler makes of resty_ffi.h and host.h. */
export interface Contract {
  constants: Record<string, number>;
  enums: Record<string, string[]>;
  structs: Record<string, { size: number; fields: Record<string, { offset: number; size: number }> }>;
}

export const contract: Contract = JSON.parse(readFileSync(join(NATIVE, "dist/contract.json"), "utf8"));

const short = (name: string) => name.replace(/^RESTY_FFI_/, "");

/** Constants by their names without RESTY_FFI_. */
export const constants: Record<string, number> = Object.fromEntries(
  Object.entries(contract.constants).map(([name, value]) => [short(name), value]),
);

/** The names of an enum without RESTY_FFI_. */
export const enumeration = (name: string): string[] => (contract.enums[name] ?? []).map(short);
