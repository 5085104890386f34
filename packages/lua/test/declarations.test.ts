import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { constants, contract, enumeration } from "./support/contract.ts";
import { type Lua, startLua } from "./support/lua.ts";
import { LIB, NATIVE } from "./support/places.ts";

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
/** The structs that it gives a body, and that has a name of its own in nginx.h. */
const structs = [...cdef.matchAll(/\}\s*(resty_ffi_\w+);/g)].map(([, name = ""]) => name);
const NGINX_STREAM = "resty_ffi_nginx_stream";
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

/** The body of a struct of native.lua, and the names of its fields. */
function struct(name: string): { body: string; fields: string[] } {
  const [, body = ""] = new RegExp(`typedef struct (\\{[^{}]*\\}) ${name};`).exec(cdef) ?? [];
  const fields = body.split(/[;,]/).flatMap((declarator) => /(\w+)(?:\[\w+\])?\s*$/.exec(declarator.trim())?.[1] ?? []);
  return { body, fields };
}

/** Of table, which is a Lua expression, all names with numbers. */
async function numbers(table: string): Promise<Record<string, number>> {
  const text = await lua.run(`
    local lines = {}
    for name, value in pairs(${table}) do lines[#lines + 1] = name .. "=" .. value end
    return table.concat(lines, " ")`);
  const pairs = text.split(" ").map((word) => word.split("="));
  return Object.fromEntries(pairs.map(([name, value]) => [name, Number(value)]));
}

/** `nil` is a word of Lua. */
const luaName = (field: string) => (field === "nil" ? "nil_" : field);

describe.each(structs.filter((name) => name !== NGINX_STREAM))("%s", (name) => {
  const { size = 0, fields = {} } = contract.structs[name] ?? {};

  it("has the fields of the header", () => {
    expect(Object.keys(fields).length).toBeGreaterThan(4);
    expect(struct(name).fields).toEqual(Object.keys(fields).map(luaName));
  });

  it("has its size and its offsets", async () => {
    const inLua = await lua.run(`
      require "resty.ffi.native"
      local ffi = require "ffi"
      local parts = { ffi.sizeof("${name}") }
      for field in ("${Object.keys(fields).map(luaName).join(" ")}"):gmatch("%S+") do
        parts[#parts + 1] = ffi.offsetof("${name}", field)
      end
      return table.concat(parts, " ")`);
    expect(inLua).toBe([size, ...Object.values(fields).map(({ offset }) => offset)].join(" "));
  });

  it("has the types of its fields", () => {
    const same = Object.keys(fields).map(
      (field) => `_Static_assert(__builtin_types_compatible_p(
        __typeof__(((struct in_lua *)0)->${luaName(field)}), __typeof__(((${name} *)0)->${field})), "${field}");`,
    );
    const { body } = struct(name);
    expect(() => c(`struct in_lua ${body};\n${same.join("\n")}\nint main(void) { return 0; }`)).not.toThrow();
  });
});

it("the stream of the nginx host begins as in nginx.h", () => {
  const { body, fields } = struct(NGINX_STREAM);
  expect(fields).toEqual(["readable", "writable", "waiting", "turns"]);
  const same = fields.map(
    (field) => `_Static_assert(offsetof(struct in_lua, ${field}) == offsetof(struct rf_nginx_stream, ${field})
        && __builtin_types_compatible_p(__typeof__(((struct in_lua *)0)->${field}),
                                        __typeof__(((struct rf_nginx_stream *)0)->${field})), "${field}");`,
  );
  expect(() => c(`struct in_lua ${body};\n${same.join("\n")}\nint main(void) { return 0; }`)).not.toThrow();
});

it("every struct that Lua reads or writes is in the headers", () => {
  expect(structs.length).toBeGreaterThan(4);
  for (const name of structs.filter((item) => item !== NGINX_STREAM)) expect(contract.structs).toHaveProperty(name);
  // A struct that a function takes has a body here, or is only passed on.
  const passed = [...cdef.matchAll(/typedef struct (resty_ffi_\w+) \1;/g)].map(([, name]) => name);
  for (const name of Object.keys(contract.structs).filter((item) => new RegExp(`\\b${item} \\*`).test(prototypes)))
    expect([...structs, ...passed]).toContain(name);
});

describe("the constants", () => {
  /** What only the core and the runtimes look at. */
  const NOT_FOR_LUA = [
    ...["resty_ffi_kind", "resty_ffi_flag", "resty_ffi_level", "resty_ffi_dict_op", "resty_ffi_stream_event"].flatMap(
      enumeration,
    ),
    ...["OK", "IDLE", "IN_FLIGHT", "ABI", "STREAM_WINDOW", "LEAST_COST", "MAX_PAYLOAD", "FOREVER"],
  ];

  it("have the numbers of the headers", async () => {
    const known = {
      ...(await numbers('require "resty.ffi.status"')),
      ...(await numbers('require "resty.ffi.constants"')),
    };
    expect(Object.keys(known).length).toBeGreaterThan(15);
    expect(constants).toMatchObject(known);
  });

  it("are all that the headers have", async () => {
    const known = {
      ...(await numbers('require "resty.ffi.status"')),
      ...(await numbers('require "resty.ffi.constants"')),
    };
    expect([...Object.keys(known), ...NOT_FOR_LUA].sort()).toEqual(Object.keys(constants).sort());
  });

  it("of status are enum resty_ffi_status without OK", async () => {
    const codes = enumeration("resty_ffi_status").filter((name) => name !== "OK");
    expect(Object.keys(await numbers('require "resty.ffi.status"')).sort()).toEqual(codes.sort());
  });

  it("are the lengths of the lists in resty_ffi_method_stats", async () => {
    expect(cdef).toContain(`uint64_t errors[${constants.KINDS}];`);
    expect(cdef).toContain(`uint64_t took[${constants.BUCKETS}];`);
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
