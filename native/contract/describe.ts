/*
 * Writes dist/contract.json: every constant of resty_ffi.h and host.h by its name, and every struct with its size and the
 * places of its fields in bytes. The names are read from the headers, the numbers come from the compiler. Each SDK and each
 * host tests its own tables against it:
 *
 *     {"constants": {"RESTY_FFI_TIMEOUT": -1, …},
 *      "enums": {"resty_ffi_status": ["RESTY_FFI_OK", …], …},
 *      "structs": {"resty_ffi_frame": {"size": 64, "fields": {"id": {"offset": 0, "size": 8}, …}}, …}}
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { enumsOf, macrosOf, structsOf } from "./declarations.ts";

const native = join(dirname(fileURLToPath(import.meta.url)), "..");
const headers = ["include/resty_ffi.h", "loop/host.h"].map((path) => join(native, path));

function program(texts: string[]): string {
  const constants = texts
    .flatMap((text) => [...macrosOf(text), ...enumsOf(text).flatMap(({ enumerators }) => enumerators)])
    .map((name) => `    printf("%s\\"${name}\\": %lld", sep, (long long)${name}), sep = ",\\n    ";`);
  const structs = texts.flatMap(structsOf).map(({ name, fields }) => {
    const places = fields.map(
      (field) =>
        `    printf("%s\\"${field}\\": {\\"offset\\": %zu, \\"size\\": %zu}", sep, offsetof(struct ${name}, ${field}), ` +
        `sizeof((struct ${name} *)0)->${field}), sep = ", ";`,
    );
    return [
      `    printf("%s\\"${name}\\": {\\"size\\": %zu, \\"fields\\": {", first, sizeof(struct ${name}));`,
      `    first = "}},\\n    ", sep = "";`,
      ...places,
    ].join("\n");
  });
  return [
    "#include <stdio.h>",
    ...headers.map((path) => `#include "${path}"`),
    "int main(void)",
    "{",
    '    const char *sep = "", *first = "";',
    '    printf("{\\n  \\"constants\\": {\\n    ");',
    ...constants,
    '    printf("\\n  },\\n  \\"structs\\": {\\n    ");',
    ...structs,
    '    printf("}}\\n  }\\n}\\n");',
    "    return 0;",
    "}",
    "",
  ].join("\n");
}

const texts = headers.map((path) => readFileSync(path, "utf8"));
const folder = mkdtempSync(join(tmpdir(), "resty-ffi-contract-"));
try {
  const [source, binary] = [join(folder, "describe.c"), join(folder, "describe")];
  writeFileSync(source, program(texts));
  execFileSync(process.env.CC ?? "cc", [`-I${join(native, "include")}`, "-o", binary, source], { stdio: "inherit" });
  const { constants, structs } = JSON.parse(execFileSync(binary, { encoding: "utf8" }));
  const enums = Object.fromEntries(texts.flatMap(enumsOf).map(({ name, enumerators }) => [name, enumerators]));
  mkdirSync(join(native, "dist"), { recursive: true });
  writeFileSync(join(native, "dist/contract.json"), `${JSON.stringify({ constants, enums, structs }, null, 1)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
