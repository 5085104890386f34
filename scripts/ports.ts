import { createServer } from "node:net";

/**
 * Below the range from which the kernel gives clients their ports, so that no client takes a port before its server
 * listens, or while that server is down. Above 10080, the highest port that fetch and browsers refuse to connect to.
 */
export const FIRST = 10_081;
export const LAST = 29_999;

/** Different ports on 127.0.0.1 that nothing listens on; `count` of them. */
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
