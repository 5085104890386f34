import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import koffi from "koffi";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FOREVER } from "../src/abi.js";
import { encode } from "../src/encode.js";
import type { LoadOptions } from "../src/options.js";

/** Says what C finds in the options, field by field; NULL for a string that is not there. */
const SOURCE = `
#include "loop/host.h"
#include <stdio.h>

static int text(char *out, const char *s) { return s ? sprintf(out, "%s|", s) : sprintf(out, "NULL|"); }

static int list(char *out, const char *s)
{
    int n = 0;
    for (const char *at = s; at && *at; at += strlen(at) + 1)
        n += sprintf(out + n, "%s,", at);
    return n + (s ? sprintf(out + n, "|") : sprintf(out + n, "NULL|"));
}

void describe(const resty_ffi_options *o, char *out)
{
    out += sprintf(out, "%d %u %u %u %u %u %d %d %d %d %d %u %u %llu|", o->size == sizeof *o, o->max_queue, o->workers,
                   o->load_timeout_ms, o->drain_ms, o->timeout_ms, o->isolate, o->global, o->unpin, o->restart, o->watch, o->files,
                   o->cpus, (unsigned long long)o->memory);
    out += list(out, o->dicts);
    out += text(out, o->user);
    out += list(out, o->env);
    list(out, o->settings);
}
`;

const NATIVE = fileURLToPath(new URL("../../../native", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "resty-ffi-encode-"));
let describe: (options: Buffer, out: Buffer) => void;

beforeAll(() => {
  const [source, library] = [join(folder, "describe.c"), join(folder, "describe.so")];
  writeFileSync(source, SOURCE);
  const [compiler = "cc", ...more] = (process.env.CC ?? "cc").split(" ");
  const warnings = ["-Wall", "-Wextra", "-Werror"];
  execFileSync(compiler, [
    ...more,
    ...warnings,
    "-shared",
    "-fPIC",
    "-include",
    "string.h",
    "-I",
    NATIVE,
    source,
    "-o",
    library,
  ]);
  describe = koffi.load(library).func("void describe(void *options, void *out)");
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What native/loop/host.h's own struct has of them. */
function found(options: LoadOptions): string[] {
  const out = Buffer.alloc(1000);
  describe(encode(options), out);
  return out.toString("utf8", 0, out.indexOf(0)).split("|").slice(0, -1);
}

test("options lie where native/loop/host.h has them", () => {
  const numbers: LoadOptions = {
    maxQueue: 1,
    workers: 2,
    loadTimeout: 3,
    drainTimeout: 4,
    timeout: 6.5,
    limits: { files: 5, cpus: 6 },
  };
  expect(found({ ...numbers, limits: { ...numbers.limits, memory: 2 ** 33 } })[0]).toBe(
    "1 1 2 3 4 7 0 0 0 0 0 5 6 8589934592",
  );
  const strings: LoadOptions = {
    dicts: ["cache", "größe"],
    user: "nobody",
    env: ["PATH", "A=b=c"],
    venv: "/venv",
    javaHome: "/java",
    node: "/bin/node",
  };
  expect(found(strings).slice(1)).toEqual([
    "cache,größe,",
    "nobody",
    "PATH,A=b=c,",
    "venv,/venv,java_home,/java,node,/bin/node,",
  ]);
});

test.each<[keyof LoadOptions, number]>([
  ["isolate", 0],
  ["isGlobal", 1],
  ["unpin", 2],
  ["restart", 3],
  ["watch", 4],
])("%s is a flag of its own: yes, no, or not given", (name, place) => {
  const flags = (value: number) => [0, 0, 0, 0, 0].with(place, value).join(" ");
  expect(found({ [name]: true })[0]).toBe(`1 0 0 0 0 0 ${flags(1)} 0 0 0`);
  expect(found({ [name]: false })[0]).toBe(`1 0 0 0 0 0 ${flags(2)} 0 0 0`);
});

test("what is not given is the core's own default; an empty list is given", () => {
  expect(found({})).toEqual(["1 0 0 0 0 0 0 0 0 0 0 0 0 0", "NULL", "NULL", "NULL", "NULL"]);
  expect(found({ timeout: 0 })[0]).toBe(`1 0 0 0 0 ${FOREVER} 0 0 0 0 0 0 0 0`);
  expect(found({ env: [], dicts: [] }).slice(1)).toEqual(["", "NULL", "", "NULL"]);
});
