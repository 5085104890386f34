import { contract as read } from "@resty-ffi/scripts/contract";

export const contract = read();

const short = (name: string) => name.replace(/^RESTY_FFI_/, "");

/** Constants by their names without RESTY_FFI_. */
export const constants: Record<string, number> = Object.fromEntries(
  Object.entries(contract.constants).map(([name, value]) => [short(name), value]),
);

/** The names of an enum without RESTY_FFI_. */
export const enumeration = (name: string): string[] => (contract.enums[name] ?? []).map(short);
