import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { Cell } from "../cell.js";
import { body, text } from "../expect.js";
import { Code } from "../host.js";

const MB = 2 ** 20;
/** The nightly run makes more calls. */
const SMALL = process.env.NIGHTLY ? 1_000_000 : 20_000;

export function payloads(cell: () => Cell): void {
  test.each([0, 1, 63, 64, 65, 4095, 4096, 65_535, 65_536, MB, 16 * MB])("echo and xor of %i bytes", async (size) => {
    const bytes = randomBytes(size);
    const echoed = body(await cell().rt.call("echo", bytes, { timeout: 30_000 }));
    expect(echoed.equals(bytes)).toBe(true);
    const flipped = body(await cell().rt.call("xor", bytes, { timeout: 30_000 }));
    // Avoids a function call for each of 16 million bytes.
    for (let i = 0; i < size; i++) bytes[i] = (bytes[i] as number) ^ 0x5a;
    expect(flipped.equals(bytes)).toBe(true);
  });

  test("echo of 100 MB", async () => {
    const bytes = randomBytes(MB);
    const large = Buffer.alloc(100 * MB, bytes);
    large.writeUInt32LE(4711, large.length - 4);
    const echoed = body(await cell().rt.call("echo", large, { timeout: 60_000 }));
    expect(echoed.equals(large)).toBe(true);
  });

  test("a payload above the limit is refused at once, and the next call works", async () => {
    const answer = await cell().rt.call("echo", Buffer.alloc(129 * MB), { timeout: 30_000 });
    expect(answer).toMatchObject({ ok: false, code: Code.TOO_LARGE, message: expect.stringContaining("too large") });
    expect(await text(cell().rt, "echo", "next")).toBe("next");
  });

  test("every byte value", async () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    expect(body(await cell().rt.call("echo", all))).toEqual(all);
    expect(body(await cell().rt.call("xor", all))).toEqual(all.map((byte) => byte ^ 0x5a));
    expect(body(await cell().rt.call("echo", Buffer.from("\0\0a\0")))).toEqual(Buffer.from("\0\0a\0"));
  });

  test("nil and empty are kept apart, in requests and answers", async () => {
    const { rt } = cell();
    expect(await text(rt, "nilreq", null)).toBe("nil");
    expect(await text(rt, "nilreq", "")).toBe("empty");
    expect(await text(rt, "nilreq", "x")).toBe("bytes");
    expect(await rt.call("none")).toEqual({ ok: true, body: null });
    expect(await rt.call("empty")).toEqual({ ok: true, body: Buffer.alloc(0) });
    expect(await rt.call("echo", null)).toEqual({ ok: true, body: null });
    expect(await rt.call("echo", "")).toEqual({ ok: true, body: Buffer.alloc(0) });
  });

  test.each([0, 1, 250, 251, 252, 1_000_000])("fill %i", async (n) => {
    const bytes = body(await cell().rt.call("fill", String(n)));
    expect(bytes.length).toBe(n);
    expect(bytes.every((byte, i) => byte === i % 251)).toBe(true);
  });

  test("10,000 calls, 64 in flight, random sizes, byte by byte", async () => {
    const found = await cell().rt.storm({ calls: 10_000, inFlight: 64, largest: 100_000 });
    expect(found).toEqual({ ok: 10_000 });
  });

  test(`${SMALL.toLocaleString("en")} small calls, 64 in flight`, async () => {
    const found = await cell().rt.storm({ calls: SMALL, inFlight: 64, largest: 64 });
    expect(found).toEqual({ ok: SMALL });
  }, 300_000);
}
