import koffi from "koffi";
import { expect, test } from "vitest";
import { encode } from "../src/encode.js";

/** The strings that the pointer at `offset` leads to, up to an empty one. */
function list(bytes: Buffer, offset: number): string[] | null {
  const pointer = bytes.readBigUInt64LE(offset);
  if (pointer === 0n) return null;
  const from = Number(pointer - BigInt(koffi.address(bytes)));
  return bytes.toString("utf8", from, bytes.indexOf("\0\0", from)).split("\0");
}

test("options lie where native/core/host.h has them", () => {
  const bytes = encode({
    maxQueue: 1,
    workers: 2,
    loadTimeout: 3,
    drainTimeout: 4,
    isolate: true,
    restart: false,
    watch: true,
    limits: { files: 5, cpus: 6, memory: 2 ** 33 },
    dicts: ["cache", "größe"],
    user: "nobody",
    env: ["PATH", "A=b=c"],
    venv: "/venv",
    javaHome: "/java",
    node: "/bin/node",
  });
  expect([0, 4, 8, 12, 16, 28, 32].map((offset) => bytes.readUInt32LE(offset))).toEqual([80, 1, 2, 3, 4, 5, 6]);
  expect([...bytes.subarray(20, 25)]).toEqual([1, 0, 0, 0, 1]);
  expect(bytes.readBigUInt64LE(40)).toBe(2n ** 33n);
  expect(list(bytes, 48)).toEqual(["cache", "größe"]);
  const user = Number(bytes.readBigUInt64LE(56) - BigInt(koffi.address(bytes)));
  expect(bytes.toString("utf8", user, bytes.indexOf(0, user))).toBe("nobody");
  expect(list(bytes, 64)).toEqual(["PATH", "A=b=c"]);
  expect(list(bytes, 72)).toEqual(["venv", "/venv", "java_home", "/java", "node", "/bin/node"]);
});

test("what is not given is the core's own default", () => {
  const bytes = encode({});
  expect(bytes.length).toBe(80);
  expect([...bytes.subarray(4)].every((byte, index) => byte === (index === 19 ? 1 : 0))).toBe(true);
  expect(encode({ env: [] }).readBigUInt64LE(64)).not.toBe(0n);
});
