import { gzipSync } from "node:zlib";
import { type Fields, grpcMessage } from "@resty-ffi/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, type Ends, echo, endsWith, HI, html, MANY, ONE, page, startEnds } from "./support/grpc_ends.ts";

let to: Ends;

beforeAll(async () => {
  to = await startEnds();
});
afterAll(() => to?.stop());

const end: Ends["end"] = (...args) => to.end(...args);
const ends: Ends["ends"] = (...args) => to.ends(...args);
/** These bytes as the body, and success. */
const says: (body: Buffer, ...headers: Fields) => Answer =
  (body, ...headers) =>
  (call) => {
    call.ok(...headers);
    call.data(body);
    call.trailers([["grpc-status", "0"]]);
  };
/** That many bytes of metadata, each name with a kilobyte. */
const many = (kilobytes: number): Fields =>
  Array.from({ length: kilobytes }, (_, k) => [`x-${String(k).padStart(5, "0")}`, "v".repeat(985)]);

describe("a response that is not gRPC", () => {
  it.each([
    [400, 13, "Bad Request"],
    [401, 16, "Unauthorized"],
    [403, 7, "Forbidden"],
    [404, 12, "Not Found"],
    [429, 14, "Too Many Requests"],
    [500, 2, "Internal Server Error"],
    [502, 14, "Bad Gateway"],
    [503, 14, "Service Unavailable"],
    [504, 14, "Gateway Timeout"],
    [200, 2, "OK"],
  ])("has the code of HTTP's: %i is %i", async (status, code, name) => {
    const text = `${code} SERVER: HTTP ${status} ${name} with the content-type "text/html", and no gRPC status`;
    await ends(page(status), text);
  });

  it("has it, too, where a proxy gives its page the type of gRPC, or none", async () => {
    const text = '14 SERVER: HTTP 503 Service Unavailable with the content-type "application/grpc", and no gRPC status';
    const head: Fields = [
      [":status", "503"],
      ["content-type", "application/grpc"],
    ];
    await ends((call) => call.trailers(head), text);
    await ends((call) => {
      call.headers(head);
      call.data(Buffer.from("<html>"), true);
    }, text);
    await ends(
      (call) => call.trailers([[":status", "204"]]),
      "2 SERVER: HTTP 204 No Content with no content-type, and no gRPC status",
    );
  });

  it("counts less than a grpc-status", async () => {
    await ends((call) => call.trailers([...html(502), ["grpc-status", "7"], ["grpc-message", "stop"]]), "7 stop");
  });
});

describe("reflection", () => {
  const ask = (chunk: string) => to.run(`local conn = connect("${to.server.address}") return ${chunk}`);

  it("ends as any call does", async () => {
    to.server.answer = page(503);
    const text = 'false|14|SERVER: HTTP 503 Service Unavailable with the content-type "text/html", and no gRPC status';
    expect(await ask("conn:services()")).toBe(text);
    expect(await ask(`conn:unary("/a.B/C", {})`)).toBe(text);
    to.server.answer = (call) => {
      call.ok();
      call.data(Buffer.alloc(0), true);
    };
    expect(await ask("conn:services()")).toBe(
      "false|13|SERVER: the answer ends without trailers, and so without a status",
    );
  });

  it("is absent where the server does not serve it", async () => {
    to.server.answer = page(404);
    expect(await ask(`conn:unary("/a.B/C", {})`)).toMatch(/^false\|-10\|.* and the server has no reflection to ask$/);
  });
});

describe("an end without a status", () => {
  it.each<[string, Answer, string]>([
    [
      "no trailers",
      (call) => {
        call.ok();
        call.data(HI, true);
      },
      "13 SERVER: the answer ends without trailers, and so without a status",
    ],
    [
      "a reset without an error",
      (call) => {
        call.ok();
        call.data(HI);
        call.reset(0);
      },
      "13 SERVER: the answer ends without trailers, and so without a status",
    ],
    [
      "trailers of others",
      endsWith(["x-a", "b"]),
      "2 SERVER: the server's trailers have no grpc-status, or are too large (option max_metadata_size)",
    ],
  ])("is an error: %s", (_, answer, text) => ends(answer, text, "hi, "));

  it("is an error: headers and nothing else", async () => {
    await ends(
      (call) =>
        call.trailers([
          [":status", "200"],
          ["content-type", "application/grpc"],
        ]),
      '2 SERVER: HTTP 200 OK with the content-type "application/grpc", and no gRPC status',
    );
  });
});

describe("a status", () => {
  it.each<[string, Fields, string]>([
    [
      "is empty",
      [["grpc-status", ""]],
      '2 SERVER: the server\'s grpc-status is "", which is not a gRPC code (0 to 16)',
    ],
    [
      "is not a number",
      [["grpc-status", "OK"]],
      '2 SERVER: the server\'s grpc-status is "OK", which is not a gRPC code (0 to 16)',
    ],
    [
      "is negative",
      [["grpc-status", "-1"]],
      '2 SERVER: the server\'s grpc-status is "-1", which is not a gRPC code (0 to 16)',
    ],
    [
      "is unknown",
      [
        ["grpc-status", "17"],
        ["grpc-message", "new"],
      ],
      '2 SERVER: the server\'s grpc-status is "17", which is not a gRPC code (0 to 16): new',
    ],
    [
      "is given twice",
      [
        ["grpc-status", "0"],
        ["grpc-status", "5"],
      ],
      '2 SERVER: the server sent grpc-status twice, "0" and "5"',
    ],
    ["has no text", [["grpc-status", "5"]], "5 Some requested entity was not found"],
    [
      "has a text that is encoded",
      [
        ["grpc-status", "5"],
        ["grpc-message", "caf%C3%A9%0A%25"],
      ],
      "5 café\n%",
    ],
    [
      "has a text that is encoded wrongly",
      [
        ["grpc-status", "5"],
        ["grpc-message", "100% %zz %4"],
      ],
      "5 100% %zz %4",
    ],
    [
      "has bytes for a text",
      [
        ["grpc-status", "5"],
        ["grpc-message", "%ff!"],
      ],
      "5 \ufffd!",
    ],
    [
      "has details that are not base64",
      [
        ["grpc-status", "5"],
        ["grpc-message", "m"],
        ["grpc-status-details-bin", "*"],
      ],
      "5 m",
    ],
  ])("that %s", (_, trailers, text) => ends(endsWith(...trailers), text, "hi, "));

  it("of success may have details that are not base64", async () => {
    expect(await end(endsWith(["grpc-status", "0"], ["grpc-status-details-bin", "*"]), "Unary")).toBe("0 hi");
  });

  it("may come with the headers, at their end or before an empty body", async () => {
    const head: Fields = [
      [":status", "200"],
      ["content-type", "application/grpc"],
      ["grpc-status", "5"],
      ["grpc-message", "none"],
    ];
    await ends((call) => call.trailers(head), "5 none");
    await ends((call) => {
      call.headers(head);
      call.data(Buffer.alloc(0), true);
    }, "5 none");
  });

  it("of success with the headers needs an answer where there is one", async () => {
    const answer: Answer = (call) =>
      call.trailers([
        [":status", "200"],
        ["content-type", "application/grpc"],
        ["grpc-status", "0"],
      ]);
    for (const kind of ONE)
      expect(await end(answer, kind), kind).toBe("13 the server ended the call without an answer");
    for (const kind of MANY) expect(await end(answer, kind), kind).toBe("0");
  });
});

describe("messages", () => {
  it("are as many as the method has", async () => {
    const two = Buffer.concat([HI, grpcMessage(echo("ho"))]);
    for (const kind of ONE) {
      expect(await end(says(two), kind), kind).toBe("13 the server sent more than one answer to a call that has one");
      expect(await end(says(Buffer.alloc(0)), kind), kind).toBe("13 the server ended the call without an answer");
    }
    for (const kind of MANY) {
      expect(await end(says(two), kind), kind).toBe("hi, ho, 0");
      expect(await end(says(Buffer.alloc(0)), kind), kind).toBe("0");
    }
    expect(await end(says(HI), "Unary")).toBe("0 hi");
    expect(await end(says(HI), "ClientStreaming")).toBe("hi, 0");
  });

  const cases: [string, Answer, string, string?][] = [
    [
      "ends too soon",
      says(grpcMessage(echo("hi"), 0, 9)),
      "13 SERVER: the answer ends within a message, after 4 of its 9 bytes",
    ],
    [
      "is longer than it says",
      says(Buffer.concat([HI, Buffer.from("x")])),
      "13 SERVER: a message begins with the byte 120, where gRPC has 0 or 1",
    ],
    ["has half a length", says(Buffer.from([0, 0, 0])), "13 SERVER: the answer ends within the length of a message"],
    [
      "is compressed without saying how",
      says(grpcMessage(gzipSync(echo("hi")), 1)),
      "13 SERVER: a message is marked as compressed, and no grpc-encoding says how",
    ],
    [
      "is compressed in an unknown way",
      says(grpcMessage(echo("hi"), 1), ["grpc-encoding", "br"]),
      '13 SERVER: a message is compressed by "br": this client knows gzip only',
    ],
    [
      "has an unknown flag",
      says(grpcMessage(echo("hi"), 2)),
      "13 SERVER: a message begins with the byte 2, where gRPC has 0 or 1",
    ],
    [
      "is announced above the limit",
      says(grpcMessage(Buffer.alloc(10), 0, 5_000_000)),
      "8 SERVER: the answer has 5000000 bytes, and the limit is 4194304 (option max_message_size)",
    ],
    [
      "is above the limit once it is decompressed",
      says(grpcMessage(gzipSync(Buffer.alloc(20_000_000)), 1), ["grpc-encoding", "gzip"]),
      "8 the answer is above the limit of 4194304 bytes once it is decompressed (option max_message_size)",
    ],
  ];
  it.each(cases)("one that %s is an error", (_, answer, text, before) => ends(answer, text, before));

  it("of another type are an error", async () => {
    const text =
      "13 the server's answer is not a valid grpc.examples.echo.EchoResponse: its files and the loaded ones differ";
    await ends(says(grpcMessage(Buffer.from("no message"))), text);
  });

  it("that do not decompress are an error", async () => {
    await ends(says(grpcMessage(Buffer.from("no gzip"), 1), ["grpc-encoding", "gzip"]), /^13 .*decompress/);
  });

  it("need no encoding that is known while they are not compressed", async () => {
    expect(await end(says(HI, ["grpc-encoding", "br"]), "Unary")).toBe("0 hi");
    expect(await end(says(grpcMessage(gzipSync(echo("hi")), 1), ["grpc-encoding", "gzip"]), "Unary")).toBe("0 hi");
  });

  it("count less than a status that says no", async () => {
    await ends(endsWith(["grpc-status", "9"], ["grpc-message", "no"]), "9 no", "hi, ");
    await ends((call) => {
      call.ok();
      call.data(grpcMessage(echo("hi"), 0, 9));
      call.trailers([
        ["grpc-status", "9"],
        ["grpc-message", "no"],
      ]);
    }, "9 no");
  });

  it("that never end are not waited for", async () => {
    const endless: (bytes: Buffer) => Answer = (bytes) => async (call) => {
      call.ok();
      while (!call.isOver) {
        call.data(bytes);
        await call.drained();
      }
    };
    for (const kind of ONE) {
      const text = "13 the server sent more than one answer to a call that has one";
      expect(await end(endless(grpcMessage(echo("hi"))), kind), kind).toBe(text);
    }
    expect(await end(endless(Buffer.alloc(0)), "Unary")).toMatch(/^14 SERVER: the server floods the connection/);
  });
});

describe("metadata", () => {
  const tooLarge = (kind: string) =>
    new RegExp(
      `^13 SERVER: the server's metadata has \\d+ bytes, and the limit is ${kind} \\(option max_metadata_size\\)$`,
    );

  it("above the limit is an error", async () => {
    const status: Fields = [["grpc-status", "0"]];
    await ends(endsWith(...status, ...many(80)), tooLarge("65536"), "hi, ");
    await ends(endsWith(...many(80), ...status), tooLarge("65536"), "hi, ");
    await ends((call) => {
      call.ok(...many(80));
      call.data(HI);
      call.trailers(status);
    }, tooLarge("65536"));
    await ends(endsWith(...many(600), ...status), tooLarge("65536"), "hi, ");
    await ends((call) => {
      call.ok(...many(600));
      call.data(HI);
      call.trailers(status);
    }, /^13 SERVER: the server did not send a valid response \(PROTOCOL_ERROR\), or its headers are too large \(option max_metadata_size\)$/);
    await ends(
      endsWith(["x-a", "v".repeat(600_000)], ...status),
      "2 SERVER: the server's trailers have no grpc-status, or are too large (option max_metadata_size)",
      "hi, ",
    );
  });

  it("has the limit that is asked for", async () => {
    const answer = endsWith(["grpc-status", "0"], ...many(200));
    for (const kind of ONE) expect(await end(answer, kind, "max_metadata_size = 1000000"), kind).toMatch(/hi/);
    await ends(endsWith(["grpc-status", "0"], ...many(2)), tooLarge("1000"), "hi, ", "max_metadata_size = 1000");
  });

  it("that never ends costs the connection", async () => {
    await ends(async (call) => {
      call.frame(1, 0, Buffer.from([0x88]));
      while (!call.isOver) {
        call.frame(
          9,
          0,
          Buffer.concat([Buffer.from([0, 1]), Buffer.from("x"), Buffer.from([100]), Buffer.alloc(100, "v")]),
        );
        await call.drained();
      }
    }, /^14 SERVER: the server floods the connection, or its headers are too large \(option max_metadata_size\)$/);
  });

  it("that is not base64 is an error where it has to be", async () => {
    await ends(
      endsWith(["grpc-status", "0"], ["x-a-bin", "*"]),
      '13 SERVER: the server\'s metadata "x-a-bin" is not base64',
      "hi, ",
    );
    await ends((call) => {
      call.ok(["x-a-bin", "*"]);
      call.data(HI);
      call.trailers([["grpc-status", "0"]]);
    }, '13 SERVER: the server\'s metadata "x-a-bin" is not base64');
    await ends(endsWith(["grpc-status", "5"], ["grpc-message", "m"], ["x-a-bin", "*"]), "5 m", "hi, ");
  });
});
