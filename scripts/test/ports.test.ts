import { createServer } from "node:http";
import { expect, it } from "vitest";
import { FIRST, freePorts, LAST } from "../ports.ts";

/** "Bad port" of the Fetch standard, as far as no special right is needed to listen there. */
const BLOCKED = [
  ...[1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697],
  10080,
];

it("no port is one that fetch and browsers refuse to connect to", async () => {
  const refused = await Promise.all(
    BLOCKED.map((port) => fetch(`http://127.0.0.1:${port}/`).catch(({ cause }) => cause.message as string)),
  );
  expect(refused).toEqual(BLOCKED.map(() => "bad port"));
  expect(BLOCKED.filter((port) => port >= FIRST && port <= LAST)).toEqual([]);
});

it("ports are different, within the range, and free", async () => {
  const ports = await freePorts(50);
  expect(new Set(ports).size).toBe(50);
  for (const port of ports) {
    expect(port).toBeGreaterThanOrEqual(FIRST);
    expect(port).toBeLessThanOrEqual(LAST);
  }
  const [port] = ports as [number];
  const server = createServer((_, response) => response.end("here"));
  await new Promise<void>((resolve, reject) => server.on("error", reject).listen(port, "127.0.0.1", resolve));
  try {
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("here");
  } finally {
    server.close();
  }
});
