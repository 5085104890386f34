import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./environment.ts";

/** A struct as the compiler has it, in bytes. */
export interface Struct {
  size: number;
  fields: Record<string, { offset: number; size: number }>;
}

/** `native/dist/contract.json`: what the C headers declare. */
export interface Contract {
  constants: Record<string, number>;
  enums: Record<string, string[]>;
  structs: Record<string, Struct>;
}

let read: Contract | undefined;

/** All of it, read once. */
export function contract(): Contract {
  read ??= JSON.parse(readFileSync(join(ROOT, "native/dist/contract.json"), "utf8")) as Contract;
  return read;
}

/** The value of an enumerator or of a macro. */
export function constantOf(name: string): number {
  return known(contract().constants, name);
}

/** The enumerators of an enum by their names without the prefix, which each of them must have. */
export function enumOf(name: string, prefix: string): Record<string, number> {
  return Object.fromEntries(
    known(contract().enums, name).map((enumerator) => {
      if (!enumerator.startsWith(prefix))
        throw new Error(`${enumerator} of enum ${name} does not start with ${prefix}`);
      return [enumerator.slice(prefix.length), constantOf(enumerator)];
    }),
  );
}

export function structOf(name: string): Struct {
  return known(contract().structs, name);
}

export function offsetOf(struct: string, field: string): number {
  return known(structOf(struct).fields, field, `field ${field} of ${struct}`).offset;
}

/** The offsets of a struct's fields. */
export function offsetsOf(name: string): Record<string, number> {
  return Object.fromEntries(Object.entries(structOf(name).fields).map(([field, { offset }]) => [field, offset]));
}

function known<T>(of: Record<string, T>, name: string, shown = name): T {
  const value = of[name];
  if (value === undefined) throw new Error(`The C headers declare no ${shown}.`);
  return value;
}
