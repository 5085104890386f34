import { existsSync, mkdtempSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));

/** Something that the build has made. */
export function built(name: string): string {
  const path = join(DIST, name);
  if (!existsSync(path)) throw new Error(`${path} is missing: run npm run build.`);
  return path;
}

/** A new scratch folder. */
export function scratchFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `resty-ffi-${name}-`));
}

/** Below those that the kernel gives to clients: none of them gets the port of a server that is down just now. */
const FIRST = 10_000;
const LAST = 29_999;

/** So many different ports on 127.0.0.1 that nothing listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

/** The ports that a server needs: the first as it was asked for, if so, the others free ones. */
export async function portsFor(count: number, asked: number | undefined): Promise<number[]> {
  if (asked === undefined) return freePorts(count);
  // Whoever listens there would be taken for the new server.
  if (!(await isFree(asked))) throw new Error(`Something listens on 127.0.0.1:${asked} already: name another port.`);
  return [asked, ...(await freePorts(count - 1))];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().on("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
