import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Lua, startLua } from "./support/lua.ts";
import { LIB, NATIVE } from "./support/places.ts";

const STRUCTS = ["resty_ffi_call", "resty_ffi_options", "resty_ffi_stats", "resty_ffi_method_stats"];
const HEADERS = `
#include <stddef.h>
#include <stdio.h>
#include "loop/host.h"
#include "host/nginx/nginx.h"
`;

/** What native.lua tells LuaJIT's parser. */
const [, cdef = ""] = /ffi\.cdef \[\[(.*?)\]\]/s.exec(readFileSync(join(LIB, "resty/ffi/native.lua"), "utf8")) ?? [];
const functions = cdef.slice(cdef.lastIndexOf("}"));
const prototypes = functions.slice(functions.indexOf(";") + 1);
const names = [...prototypes.matchAll(/(resty_ffi_\w+)\(/g)].map(([, name = ""]) => name);

let folder: string;
let lua: Lua;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "resty-ffi-lua-"));
  lua = await startLua();
});
afterAll(async () => {
  await lua.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Compiles a C program against the headers, and runs it. Throws with what the compiler says. */
function c(source: string): string {
  const program = join(folder, "program");
  writeFileSync(`${program}.c`, `${HEADERS}${source}`);
  const flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I", NATIVE, "-I", join(NATIVE, "include")];
  execFileSync(process.env.CC || "cc", [...flags, "-o", program, `${program}.c`], { stdio: "pipe" });
  return execFileSync(program, { encoding: "utf8" });
}

/** The names of a struct's fields, in the header or in native.lua. */
function fields(source: string, struct: string): string[] {
  const [, body = ""] = new RegExp(`typedef struct \\w*\\s*\\{([^{}]*)\\}\\s*${struct};`).exec(source) ?? [];
  return body
    .replaceAll(/\/\*.*?\*\//gs, "")
    .split(/[;,]/)
    .flatMap((declarator) => /(\w+)\s*$/.exec(declarator.trim())?.[1] ?? []);
}

/** `nil` is a word of Lua. */
const luaName = (field: string) => (field === "nil" ? "nil_" : field);

describe.each(STRUCTS)("%s", (struct) => {
  const header = fields(readFileSync(join(NATIVE, "loop/host.h"), "utf8"), struct);

  it("has the fields of host.h", () => {
    expect(header.length).toBeGreaterThan(4);
    expect(fields(cdef, struct)).toEqual(header.map(luaName));
  });

  it("has its size and its offsets", async () => {
    const inC = c(`int main(void) {
      printf("size %zu", sizeof(${struct}));
      ${header.map((field) => `printf(", ${luaName(field)} %zu", offsetof(${struct}, ${field}));`).join("\n")}
      return 0;
    }`);
    const inLua = await lua.run(`
      require "resty.ffi.native"
      local ffi = require "ffi"
      local parts = { "size " .. ffi.sizeof("${struct}") }
      for name in ("${header.map(luaName).join(" ")}"):gmatch("%S+") do
        parts[#parts + 1] = name .. " " .. ffi.offsetof("${struct}", name)
      end
      return table.concat(parts, ", ")`);
    expect(inC.split(", ")).toHaveLength(header.length + 1);
    expect(inLua).toBe(inC);
  });

  it("has the types of its fields", () => {
    const [, body = ""] = new RegExp(`typedef struct (\\{[^{}]*\\}) ${struct};`).exec(cdef) ?? [];
    const same = header.map(
      (field) => `_Static_assert(__builtin_types_compatible_p(
        __typeof__(((struct in_lua *)0)->${luaName(field)}), __typeof__(((${struct} *)0)->${field})), "${field}");`,
    );
    expect(() => c(`struct in_lua ${body};\n${same.join("\n")}\nint main(void) { return 0; }`)).not.toThrow();
  });
});

describe("the functions", () => {
  it("are declared as in the headers", () => {
    expect(names.length).toBeGreaterThan(10);
    // Another type for the same name is an error of the compiler's.
    expect(() => c(`${prototypes}\nint main(void) { return 0; }`)).not.toThrow();
    const wrong = prototypes.replace("uint64_t timeout_ms", "uint32_t timeout_ms");
    expect(() => c(`${wrong}\nint main(void) { return 0; }`)).toThrow(/conflicting types/);
  });

  it("are all in the headers", () => {
    // A name that no header has is an error too.
    const addresses = names.map((name) => `(void)&${name};`).join("\n");
    const unused = `__attribute__((unused)) static void unused(void) {\n${addresses}\n}`;
    expect(() => c(`${unused}\nint main(void) { return 0; }`)).not.toThrow();
  });

  it.each(names)("%s is in libresty_ffi.so, and used", async (name) => {
    const files = ["resty/ffi.lua", "resty/ffi/call.lua", "resty/ffi/send.lua", "resty/ffi/stream.lua"];
    const modules = files.map((file) => readFileSync(join(LIB, file), "utf8"));
    expect(modules.join("")).toContain(`C.${name}`);
    expect(await lua.run(`return type(assert(require("resty.ffi.native").load()).${name})`)).toBe("cdata");
  });
});
