import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { annotationsOf, type Module } from "./annotations.ts";
import { page } from "./page.ts";

const PACKAGE = fileURLToPath(new URL("../", import.meta.url));

/** The modules that programs require: the variable of the examples, and the files in lib/resty of what they make. */
export const MODULES: Record<string, { variable: string; files: string[] }> = {
  "resty.ffi": { variable: "resty_ffi", files: ["ffi.lua", "ffi/stream.lua", "ffi/connection.lua"] },
  "resty.ffi.metrics": { variable: "metrics", files: ["ffi/metrics.lua"] },
  "resty.ffi.grpc": {
    variable: "grpc",
    files: ["ffi/grpc.lua", "ffi/client/stream.lua", "ffi/grpc/options.lua", "ffi/grpc/files.lua"],
  },
  "resty.ffi.etcd": {
    variable: "etcd",
    files: ["ffi/etcd.lua", "ffi/etcd/client.lua", "ffi/etcd/streams.lua", "ffi/etcd/txn.lua", "ffi/etcd/options.lua"],
  },
  "resty.ffi.kafka": {
    variable: "kafka",
    files: [
      "ffi/kafka.lua",
      "ffi/kafka/producer.lua",
      "ffi/kafka/transaction.lua",
      "ffi/kafka/consumer.lua",
      "ffi/kafka/headers.lua",
      "ffi/kafka/options.lua",
    ],
  },
};

const read = (file: string): Module => annotationsOf(readFileSync(join(PACKAGE, "lib/resty", file), "utf8"), file);

/** The annotations of a module's files. */
export const partsOf = (module: string): Module[] => (MODULES[module]?.files ?? []).map(read);

/** Every file with annotations. */
export const allParts = (): Module[] => Object.keys(MODULES).flatMap(partsOf);

/** Where the reference of a module is. */
export const placeOf = (module: string): string => join(PACKAGE, "docs", `${module}.md`);

/** The reference of a module, as the code has it now. */
export function reference(module: string): string {
  const { variable = "" } = MODULES[module] ?? {};
  const names = Object.keys(MODULES);
  const pages = new Map(
    names.flatMap((name) =>
      partsOf(name).flatMap(({ classes, aliases }) =>
        [...classes, ...aliases].map((described): [string, string] => [described.name, name]),
      ),
    ),
  );
  const classes = allParts().flatMap((part) => part.classes);
  return page({ module, variable, parts: partsOf(module), classes, pages });
}
