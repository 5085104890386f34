import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { HostKind } from "../cell.js";
import { text } from "../expect.js";
import type { Host } from "../host.js";
import { nginxHost } from "../nginx_host.js";
import { nodeHost } from "../node_host.js";
import { ECHO2 } from "../places.js";

/** The start of a shared library for 32-bit x86: enough for dlopen to refuse it. */
function elf32(): Buffer {
  const header = Buffer.alloc(4096);
  header.write("\x7fELF", "latin1");
  header.set([1, 1, 1], 4);
  header.writeUInt16LE(3, 16); // ET_DYN
  header.writeUInt16LE(3, 18); // EM_386
  header.writeUInt32LE(1, 20);
  header.writeUInt16LE(52, 40);
  return header;
}

/** Every host refuses a file that is not a runtime, with an error message. */
export function loading(kind: HostKind): void {
  const scratch = mkdtempSync(join(tmpdir(), "resty-ffi-loading-"));
  let host: Host;
  beforeAll(async () => {
    host = await (kind === "node" ? nodeHost : nginxHost)({});
  });
  afterAll(async () => {
    await host.close();
    rmSync(scratch, { recursive: true });
  });

  const library = (name: string, content: Buffer | string) => {
    const file = join(scratch, name);
    writeFileSync(file, content);
    chmodSync(file, 0o755);
    return file;
  };
  const refusal = (lib: string, cfg: string | null = null, options = {}) =>
    host.load(lib, cfg, options).then(
      () => "it was loaded",
      (error: Error) => error.message,
    );

  for (const isolate of [false, true]) {
    const how = isolate ? "in a process" : "in a thread";

    test(`a library that is missing, ${how}: the places searched`, async () => {
      const error = await refusal("no_such_runtime", null, { isolate });
      expect(error).toMatch(/^cannot load "no_such_runtime": .*LD_LIBRARY_PATH.*native\/dist\/lib/);
      expect(await refusal("/no/such/libffi.so", null, { isolate })).toMatch(/^cannot load .*\/no\/such\/libffi\.so/);
    });

    test(`a library that is not a runtime, ${how}`, async () => {
      expect(await refusal("libm.so.6", null, { isolate })).toMatch(/^cannot load "libm\.so\.6": .*libffi_init/);
    });

    test(`a library for another architecture, ${how}`, async () => {
      const file = library(`libffi_32_${isolate}.so`, elf32());
      expect(await refusal(file, null, { isolate })).toMatch(/^cannot load .*libffi_32.*(ELF|architecture)/);
    });

    test(`a file that is not a library, ${how}`, async () => {
      const file = library(`libffi_text_${isolate}.so`, "not a library");
      expect(await refusal(file, null, { isolate })).toMatch(/^cannot load .*libffi_text/);
    });
  }

  test("no name", async () => {
    expect(await refusal("")).toMatch(/^cannot load/);
  });

  test("no configuration at all is fine", async () => {
    expect(await text(await host.load(ECHO2, null), "echo", "x")).toBe("x");
  });

  test("a configuration of a megabyte is fine", async () => {
    expect(await text(await host.load(ECHO2, "x".repeat(2 ** 20)), "echo", "x")).toBe("x");
  });

  test("what was refused can be loaded once it is right", async () => {
    const file = join(scratch, "libffi_later.so");
    expect(await refusal(file)).toMatch(/^cannot load/);
    library("libffi_later.so", readFileSync(ECHO2));
    expect(await text(await host.load(file, null), "echo", "later")).toBe("later");
  });
}
