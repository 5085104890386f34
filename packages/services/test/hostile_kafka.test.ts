import { once } from "node:events";
import { connect } from "node:net";
import { expect, it } from "vitest";
import { startHostileKafka } from "../src/index.ts";

it.each([
  ["closing", ""],
  ["half", "000001000000000100"],
] as const)("%s: what is asked is answered, and the connection ends", async (manner, bytes) => {
  const server = await startHostileKafka(manner);
  try {
    const socket = connect(Number(server.address.split(":")[1]), "127.0.0.1");
    socket.write("?");
    const parts: Buffer[] = [];
    for await (const part of socket) parts.push(part as Buffer);
    expect(Buffer.concat(parts).toString("hex")).toBe(bytes);
    expect(server.requests()).toBe(1);
  } finally {
    await server.stop();
  }
});

it.each(["garbage", "huge"] as const)("%s: the connection stays open until the server stops", async (manner) => {
  const server = await startHostileKafka(manner);
  const socket = connect(Number(server.address.split(":")[1]), "127.0.0.1").on("error", () => {});
  socket.write("?");
  const [part] = (await once(socket, "data")) as [Buffer];
  expect(part.readInt32BE(0)).toBe(manner === "huge" ? 0x7fffffff : 32);
  const closed = once(socket, "close");
  await server.stop();
  await closed;
});

it("silent: nothing comes", async () => {
  const server = await startHostileKafka("silent");
  const socket = connect(Number(server.address.split(":")[1]), "127.0.0.1").on("error", () => {});
  let answered = false;
  socket.on("data", () => (answered = true));
  socket.write("?");
  await expect.poll(() => server.requests()).toBe(1);
  await server.stop();
  expect(answered).toBe(false);
});
