import { createServer } from "node:net";

/**
 * Below those that the kernel gives to clients: none of them takes the port before its server listens, or while that is
 * down.
 */
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

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().on("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
