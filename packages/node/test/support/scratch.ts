import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { dist } from "./paths.js";

/** A directory of its own for a test's modules. */
export class Scratch {
  readonly directory = mkdtempSync(join(tmpdir(), "resty-ffi-node-"));

  /** Writes a file; `@resty-ffi/node` in it becomes the built package. */
  write(name: string, source: string): string {
    const file = join(this.directory, name);
    mkdirSync(dirname(file), { recursive: true });
    const esm = pathToFileURL(dist("index.mjs")).href;
    writeFileSync(
      file,
      source
        .replaceAll('from "@resty-ffi/node"', `from "${esm}"`)
        .replaceAll('require("@resty-ffi/node")', `require("${dist("index.cjs")}")`),
    );
    return file;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
