import { readFileSync } from "node:fs";
import { connect, constants, type SecureClientSessionOptions } from "node:http2";
import { expect, test } from "vitest";
import { startGrpcServer } from "../src/index.ts";
import { livesAndDies } from "./life.ts";

const SAY_HELLO = "/helloworld.Greeter/SayHello";

/** Calls SayHello by hand; resolves with the status and what the answer says. */
function sayHello(url: string, name: string, options: SecureClientSessionOptions = {}): Promise<[string, string]> {
  return new Promise((resolve, reject) => {
    const session = connect(url, options).on("error", reject);
    const call = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: SAY_HELLO,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const parts: Buffer[] = [];
    let status: unknown;
    const take = (headers: object) => {
      status = (headers as { "grpc-status"?: string })["grpc-status"] ?? status;
    };
    call
      .on("response", take)
      .on("trailers", take)
      .on("data", (part: Buffer) => parts.push(part));
    call.on("error", reject).on("close", () => {
      session.close();
      // 5 bytes of gRPC, 2 of the field.
      resolve([String(status), Buffer.concat(parts).toString("utf8", 7)]);
    });
    const message = Buffer.concat([Buffer.from([0x0a, name.length]), Buffer.from(name)]);
    call.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
  });
}

let trusted: Buffer;

const grpc = livesAndDies(startGrpcServer, {
  // What it keeps over a restart are its certificates.
  store: async (server) => {
    trusted = readFileSync(server.certificates.ca);
  },
  has: async (server) => {
    const [, answer] = await sayHello(`https://${server.tlsAddress}`, "Ada", { ca: trusted });
    return answer === "Hello Ada";
  },
});

test("plain text", async () => {
  expect(await sayHello(`http://${grpc().address}`, "Ada")).toEqual(["0", "Hello Ada"]);
  expect((await sayHello(`http://${grpc().address}`, ""))[0]).toBe("3");
});

test("mutual TLS asks for a certificate of the right authority", async () => {
  const { mtlsAddress, certificates } = grpc();
  const url = `https://${mtlsAddress}`;
  const [ca, cert, key, wrongCa, wrongCert, wrongKey] = Object.values(certificates).map((file) => readFileSync(file));
  expect(await sayHello(url, "Ada", { ca, cert, key })).toEqual(["0", "Hello Ada"]);
  expect(await sayHello(url, "Ada", { ca, cert, key, servername: "example.test" })).toEqual(["0", "Hello Ada"]);
  await expect(sayHello(url, "Ada", { ca })).rejects.toThrow();
  await expect(sayHello(url, "Ada", { ca, cert: wrongCert, key: wrongKey })).rejects.toThrow();
  await expect(sayHello(url, "Ada", { ca: wrongCa, cert, key })).rejects.toThrow(/certificate/);
});

test("it counts, and its clients leave nothing", async () => {
  const before = await grpc().stats();
  await Promise.all(Array.from({ length: 5 }, () => sayHello(`http://${grpc().address}`, "Ada")));
  const nothing = { calls: before.calls + 5, streams: 0, connections: 0 };
  await expect.poll(() => grpc().stats()).toMatchObject(nothing);
});
