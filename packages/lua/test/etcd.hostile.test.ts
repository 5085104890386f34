import { grpcMessage, type HostileCall, type HostileGrpc, startHostileGrpc } from "@resty-ffi/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EtcdLua, startEtcdLua } from "./support/etcd.ts";

let server: HostileGrpc;
let nginx: EtcdLua;

beforeAll(async () => {
  server = await startHostileGrpc();
  nginx = await startEtcdLua(server.address);
});
afterAll(async () => {
  await nginx?.lua.stop();
  await server?.stop();
});

/** What a call, and what a watch, makes of the answer: whether it went well, its code, its message. */
async function ends(answer: (call: HostileCall) => void) {
  server.answer = answer;
  const [call, watch] = await nginx.run(`
    local function end_of(ok, code, err) return { ok, code, err } end
    local call = end_of(c:get("x", { timeout = 20 }))
    local w, code, err = c:watch({ key = "x" }, { timeout = 20 })
    local watch = w and end_of(w:recv{ timeout = 20 }) or { false, code, err }
    return call, watch`);
  return { call, watch };
}

const html = (status: string) => (call: HostileCall) => {
  call.headers([
    [":status", status],
    ["content-type", "text/html"],
  ]);
  call.data(Buffer.from("<html>"), true);
};

describe("a proxy, or a server other than etcd", () => {
  it.each([
    ["401", 16],
    ["403", 7],
    ["404", 12],
  ])("HTTP %s is %i, as gRPC has it", async (status, code) => {
    expect(await ends(html(status))).toEqual({
      call: [false, code, expect.stringContaining(status)],
      watch: [false, code, expect.stringContaining(status)],
    });
  });

  it("an answer that is not a message is an error", async () => {
    const { call, watch } = await ends((call) => {
      call.ok();
      call.data(grpcMessage(Buffer.from([0xff, 0xff])));
      call.trailers([["grpc-status", "0"]]);
    });
    expect(call).toEqual([false, 13, expect.stringMatching(/unmarshal/)]);
    expect(watch).toEqual([false, 13, expect.stringMatching(/unmarshal/)]);
  });

  it("an answer that is compressed in an unknown way is an error", async () => {
    const { call } = await ends((call) => {
      call.ok(["grpc-encoding", "brotli"]);
      call.data(grpcMessage(Buffer.from([0]), 1));
      call.trailers([["grpc-status", "0"]]);
    });
    expect(call).toEqual([false, expect.any(Number), expect.stringMatching(/brotli/)]);
  });

  it("a message above the limit is refused before it comes", async () => {
    const { call } = await ends((call) => {
      call.ok();
      call.data(grpcMessage(Buffer.alloc(0), 0, 0xffff_ffff));
    });
    expect(call).toEqual([false, 8, expect.stringMatching(/larger than max/)]);
  });

  it("the client works on: the next answer counts", async () => {
    const { call } = await ends((call) => {
      call.ok();
      call.data(grpcMessage(Buffer.from([0x0a, 0x02, 0x18, 0x07])));
      call.trailers([["grpc-status", "0"]]);
    });
    expect(call?.[0]).toBe(true);
  });
});
