import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ends, endsWith, startEnds } from "./support/grpc_ends.ts";

let to: Ends;

beforeAll(async () => {
  to = await startEnds();
});
afterAll(() => to?.stop());

/** The same numbers in every run, below `n`. */
function random(n: number): number {
  seed = (seed * 1103515245 + 12345) & 0x7fffffff;
  return (seed >> 8) % n;
}
let seed = 1;

/** A frame on stream 1. */
function frame(type: number, flags: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(1, 5);
  return Buffer.concat([head, payload]);
}

const literal = (name: string, value: string) =>
  `\0${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`;
const fields = (...pairs: [string, string][]) =>
  Buffer.from(pairs.map(([name, value]) => literal(name, value)).join(""));

/** A message and an error, as a server that is right sends them. */
const RIGHT = Buffer.concat([
  frame(1, 4, fields([":status", "200"], ["content-type", "application/grpc"], ["x-bin", "AP8="])),
  frame(0, 0, Buffer.from("00000000040a026869", "hex")),
  frame(1, 5, fields(["grpc-status", "5"], ["grpc-message", "no%20such"], ["grpc-status-details-bin", "CAU"])),
]);

/** With some bytes changed, and perhaps without its end. */
function broken(): Buffer {
  const bytes = Buffer.from(RIGHT);
  for (let k = random(3); k >= 0; k--) bytes[random(bytes.length)] = random(256);
  return random(4) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
}

const CALLS = 40;

describe("an answer with wrong bytes anywhere", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("ends the call, and only that: %i", async (round) => {
    seed = round;
    to.server.answer = (call) => {
      call.raw(broken());
      if (random(2)) call.cut();
    };
    // Each on a connection of its own, half of them streams. Some wait for an end that is on its way to another stream.
    const text = await to.run(`
      local threads, ends = {}, {}
      for k = 1, ${CALLS} do
        threads[k] = ngx.thread.spawn(function()
          local conn = connect("${to.server.address}", { timeout = 0.5, idle_timeout = ${round} + k / 1000 })
          local path = "/grpc.examples.echo.Echo/"
          if k % 2 == 0 then
            return select(2, conn:unary(path .. "UnaryEcho", {}, { with_metadata = true }))
          end
          local ok, stream = conn:new_stream(path .. "BidirectionalStreamingEcho", { timeout = 0.5, with_metadata = true })
          stream:send({})
          local res
          repeat
            ok, res = stream:recv()
          until not ok or not res
          return res or 0
        end)
      end
      for k, thread in ipairs(threads) do
        local ok, code = ngx.thread.wait(thread)
        ends[k] = tostring(type(code) == "table" and 0 or ok and code)
      end
      return table.concat(ends, " ")`);
    const codes = text.split(" ");
    expect(codes).toHaveLength(CALLS);
    expect(codes.filter((code) => !/^(-1|\d|1[0-6])$/.test(code))).toEqual([]);
    expect(await to.end(endsWith(["grpc-status", "0"]), "Unary")).toBe("0 hi");
  });
});
