import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts, isFree } from "@resty-ffi/scripts/ports";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));

/** The path of a file that the build has made. */
export function built(name: string): string {
  const path = join(DIST, name);
  if (!existsSync(path)) throw new Error(`${path} is missing: run npm run build.`);
  return path;
}

/** Creates a scratch folder. */
export function scratchFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `resty-ffi-${name}-`));
}

/** `count` ports for a server: the first is the given port, if any; the others are free ports. */
export async function portsFor(count: number, asked: number | undefined): Promise<number[]> {
  if (asked === undefined) return freePorts(count);
  // Another server on the port would be mistaken for the new one.
  if (!(await isFree(asked))) throw new Error(`Something listens on 127.0.0.1:${asked} already: name another port.`);
  return [asked, ...(await freePorts(count - 1))];
}
