import { readFileSync, rmSync } from "node:fs";
import { scratchFolder, startHostileGrpc } from "@resty-ffi/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { certificate } from "./support/certificate.ts";
import { SOON } from "./support/grpc.ts";
import { type Answer, type Ends, endsWith, HI, MANY, ONE, page, resets, startEnds } from "./support/grpc_ends.ts";

let to: Ends;

beforeAll(async () => {
  to = await startEnds();
});
afterAll(() => to?.stop());

const end: Ends["end"] = (...args) => to.end(...args);
const ends: Ends["ends"] = (...args) => to.ends(...args);

describe("a stream that HTTP/2 ends", () => {
  it.each([
    [0, 13, "NO_ERROR"],
    [1, 13, "PROTOCOL_ERROR"],
    [2, 13, "INTERNAL_ERROR"],
    [3, 13, "FLOW_CONTROL_ERROR"],
    [4, 13, "SETTINGS_TIMEOUT"],
    [5, 13, "STREAM_CLOSED"],
    [6, 13, "FRAME_SIZE_ERROR"],
    [7, 14, "REFUSED_STREAM"],
    [8, 1, "CANCEL"],
    [9, 13, "COMPRESSION_ERROR"],
    [10, 13, "CONNECT_ERROR"],
    [11, 8, "ENHANCE_YOUR_CALM"],
    [12, 7, "INADEQUATE_SECURITY"],
    [13, 13, "HTTP_1_1_REQUIRED"],
    [99, 13, "error 99"],
  ])("by RST_STREAM %i has the code %i", async (reset, code, name) => {
    const text = new RegExp(`^${code} SERVER: the server reset the stream \\(.*${name}.*\\)$`);
    await ends(resets(reset), text);
    // A reset without an error is also how a server wants no more of a request.
    if (reset === 0) return;
    await ends(
      (call) => {
        call.ok();
        call.data(HI);
        call.reset(reset);
      },
      text,
      "hi, ",
    );
  });

  it("by RST_STREAM after its whole answer has the answer", async () => {
    expect(
      await end((call) => {
        endsWith(["grpc-status", "0"])(call);
        call.reset(0);
      }, "Unary"),
    ).toBe("0 hi");
  });

  it.each<[string, Answer]>([
    [
      "has no status of HTTP",
      (call) => {
        call.headers([["content-type", "application/grpc"]]);
        call.data(HI);
        call.trailers([["grpc-status", "0"]]);
      },
    ],
    [
      "has headers of HTTP/1",
      (call) => {
        call.ok(["connection", "close"]);
        call.data(HI);
        call.trailers([["grpc-status", "0"]]);
      },
    ],
    [
      "has another length than it says",
      (call) => {
        call.ok(["content-length", "1"]);
        call.data(HI);
        call.trailers([["grpc-status", "0"]]);
      },
    ],
    [
      "has headers in the middle",
      (call) => {
        call.ok();
        call.headers([["x-a", "b"]]);
        call.data(HI);
        call.trailers([["grpc-status", "0"]]);
      },
    ],
  ])("since the response %s has the code 13", (_, answer) =>
    ends(answer, /^13 SERVER: the server did not send a valid response/),
  );

  it("ends for a client that goes on sending, too", async () => {
    const text = (status: string) => {
      to.server.answer = endsWith(["grpc-status", status], ["grpc-message", "stop"]);
      return to.run(`
        local ok, stream = connect("${to.server.address}"):new_stream("/grpc.examples.echo.Echo/BidirectionalStreamingEcho")
        stream:send({ message = "m" })
        return show(stream:recv()), show(stream:recv())`);
    };
    expect(await text("9")).toBe('true {message="hi"}|false 9 "stop"');
    expect(await text("0")).toBe('true {message="hi"}|true nil nil');
  });

  it("waits for the response after informational ones", async () => {
    expect(
      await end((call) => {
        call.headers([[":status", "103"]]);
        endsWith(["grpc-status", "0"])(call);
      }, "Unary"),
    ).toBe("0 hi");
  });
});

describe("a connection that ends", () => {
  let fresh = 100;
  it.each<[string, Answer, RegExp]>([
    ["before the response", (call) => call.cut(), /^14 SERVER: the server closed the connection$/],
    [
      "after the headers",
      (call) => {
        call.ok();
        call.cut();
      },
      /^14 SERVER: the server closed the connection$/,
    ],
    [
      "within a message",
      (call) => {
        call.ok();
        call.data(HI.subarray(0, 7));
        call.cut();
      },
      /^14 SERVER: the server closed the connection$/,
    ],
    [
      "within a frame",
      (call) => {
        call.ok();
        call.raw(Buffer.from([0, 0, 9, 0, 0, 0, 0]));
        call.cut();
      },
      /^14 SERVER: the connection broke: /,
    ],
    [
      "with GOAWAY",
      (call) => {
        call.goAway(0, 2, "broken");
        call.cut();
      },
      /^14 SERVER: the server ended the connection \(INTERNAL_ERROR\): .*broken/,
    ],
    [
      "by data before its headers",
      (call) => call.data(HI),
      /^14 SERVER: the server did not send valid HTTP\/2 \(PROTOCOL_ERROR\)$/,
    ],
    [
      "by headers that are not HPACK",
      (call) => call.frame(1, 4, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
      /^14 SERVER: the server did not send valid HTTP\/2 \(/,
    ],
    [
      "by bytes",
      (call) => call.raw("HTTP/1.1 400 Bad Request\r\n\r\n"),
      /^14 SERVER: the server did not send valid HTTP\/2 \(FRAME_SIZE_ERROR\)$/,
    ],
  ])("%s ends its calls with the code 14", async (_, answer, text) => {
    for (const kind of [...ONE, ...MANY]) {
      // A connection of its own for each case: a server that fails often is asked less often.
      expect(await end(answer, kind, `idle_timeout = ${++fresh}`), kind).toMatch(text);
    }
  });

  it("by GOAWAY before the call was taken costs nothing", async () => {
    const before = to.server.calls;
    let first = true;
    const answer: Answer = (call) => {
      if (!first) return endsWith(["grpc-status", "0"])(call);
      first = false;
      call.goAway(0, 0);
      call.cut();
    };
    expect(await end(answer, "Unary")).toBe("0 hi");
    expect(to.server.calls - before).toBe(2);
  });

  it("because its server does not speak HTTP/2 says so", async () => {
    to.server.greet = (socket) => socket.end("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    const call = `return ended(connect("${to.server.address}", { connect_timeout = 20, idle_timeout = 61 }), "Unary")`;
    const said = () => to.run(call);
    await expect.poll(said, SOON).toBe("14 SERVER: the server did not send valid HTTP/2 (FRAME_SIZE_ERROR)");
    to.server.greet = (socket) => socket.end();
    await expect.poll(said, SOON).toBe("14 SERVER: the server closed the connection");
    to.server.greet = () => {};
    const silent = `return ended(connect("${to.server.address}", { connect_timeout = 0.2 }), "Unary")`;
    expect(await to.run(silent)).toBe("14 SERVER: no connection within 0.2 s");
    to.server.greet = undefined;
    to.server.answer = endsWith(["grpc-status", "0"]);
    await expect.poll(said, SOON).toBe("0 hi");
  });
});

describe("over TLS", () => {
  it("calls end the same way", async () => {
    const folder = scratchFolder("grpc-ends");
    const pem = certificate(folder, "ca", "server", "IP:127.0.0.1");
    const secure = await startHostileGrpc({ cert: readFileSync(pem.cert), key: readFileSync(pem.key) });
    try {
      const over = (answer: Answer, kind = "Unary") => end(answer, kind, `ca = grpc.readfile("${pem.ca}")`, secure);
      expect(await over(endsWith(["grpc-status", "0"]))).toBe("0 hi");
      expect(await over(page(503))).toMatch(/^14 SERVER: HTTP 503 Service Unavailable/);
      expect(
        await over((call) => {
          call.ok();
          call.data(HI, true);
        }),
      ).toMatch(/^13 SERVER: the answer ends without trailers/);
      expect(await over(resets(8), "ServerStreaming")).toBe("1 SERVER: the server reset the stream (CANCEL)");
      const cut: Answer = (call) => {
        call.ok();
        call.data(HI.subarray(0, 7));
        call.cut();
      };
      for (const kind of [...ONE, ...MANY]) expect(await over(cut, kind)).toMatch(/^14 SERVER: /);
    } finally {
      await secure.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
