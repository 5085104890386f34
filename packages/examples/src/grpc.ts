import { close, TIMEOUT } from "@resty-ffi/host";
import { type GrpcServer, type GrpcStats, startGrpcServer, startLateGrpc } from "@resty-ffi/services";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { duration, Example, eventually, failure } from "./example.ts";
import type { Language } from "./places.ts";
import { unloads } from "./unload.ts";

const MILL = { name: "North Mill", location: { latitude: 409146138, longitude: -746188906 } };
const UNAVAILABLE = 14;
/** The host says TIMEOUT, unless the server or its client says DEADLINE_EXCEEDED just before. */
const LATE = [TIMEOUT, 4];
const DOWN = [...LATE, UNAVAILABLE];
const DROPPED = 200;
/** For how long the first call of a runtime is tried again. */
const CONNECTED_MS = 120_000;

export function grpcExample(language: Language): void {
  describe(`grpc in ${language}`, () => {
    let server: GrpcServer;
    let grpc: Example;
    const config = (more: object = {}) => ({ address: server.address, ...more });
    beforeAll(async () => {
      server = await startGrpcServer();
      grpc = await Example.load(language, "grpc", config());
    });
    afterAll(async () => {
      close(5000);
      await server?.stop();
    });

    describe("methods", () => {
      test("say_hello", async () => {
        expect(await grpc.call("say_hello", { name: "Ada" })).toEqual({ message: "Hello Ada" });
        expect(await grpc.call("say_hello", { name: "Grüße 🌍" })).toEqual({ message: "Hello Grüße 🌍" });
      });

      test("get_feature: an answer has all its fields", async () => {
        expect(await grpc.call("get_feature", MILL.location)).toEqual(MILL);
        const nowhere = { name: "", location: { latitude: 0, longitude: 0 } };
        expect(await grpc.call("get_feature", {})).toEqual(nowhere);
      });

      test("list_features", async () => {
        const lo = { latitude: 400000000, longitude: -750000000 };
        const hi = { latitude: 410000000, longitude: -740000000 };
        const features = await grpc.stream("list_features", { lo, hi }).rest();
        expect(features).toHaveLength(70);
        expect(features[0]).toEqual(MILL);
        expect(await grpc.stream("list_features", { lo: { latitude: 1 } }).rest()).toEqual([]);
      });

      test("record_route", async () => {
        const route = grpc.stream("record_route", MILL.location);
        await route.send({ latitude: 399146138, longitude: -746188906 });
        route.closeSend();
        const summary = { point_count: 2, feature_count: 1, distance: 111195, elapsed_time: expect.any(Number) };
        expect(await route.rest()).toEqual([summary]);
        const nothing = grpc.stream("record_route");
        nothing.closeSend();
        expect(await nothing.rest()).toEqual([{ point_count: 0, feature_count: 0, distance: 0, elapsed_time: 0 }]);
      });

      test("route_chat: each side talks when it likes", async () => {
        const note = (latitude: number, message: string) => ({ location: { latitude, longitude: 0 }, message });
        const chat = grpc.stream("route_chat", note(1, "one"));
        expect(await chat.next()).toEqual(note(1, "one"));
        await chat.send({ location: { latitude: 2 }, message: "two" });
        expect(await chat.next()).toEqual(note(2, "two"));
        await chat.send(note(1, "three"));
        expect(await chat.take(2)).toEqual([note(1, "one"), note(1, "three")]);
        chat.closeSend();
        expect(await chat.rest()).toEqual([]);
      });

      test("unary_echo, small and large", async () => {
        expect(await grpc.call("unary_echo", {})).toEqual({ message: "" });
        const large = { message: "x".repeat(1_000_000) };
        expect(await grpc.call("unary_echo", large)).toEqual(large);
      });

      test("echo_stream: more messages than any window holds", async () => {
        const echo = grpc.stream("echo_stream");
        const messages = Array.from({ length: 300 }, (_, i) => ({ message: `${i} ${"x".repeat(5000)}` }));
        const send = async () => {
          for (const message of messages) await echo.send(message);
          echo.closeSend();
        };
        const [received] = await Promise.all([echo.rest(), send()]);
        expect(received).toEqual(messages);
      });
    });

    describe("failures", () => {
      test("the server's status and its words", async () => {
        expect(await failure(grpc.call("say_hello", {}))).toEqual({ code: 3, message: "the name must not be empty" });
        for (let code = 1; code <= 16; code++) {
          const request = { message: `fail ${code} words of ${code}` };
          expect(await failure(grpc.call("unary_echo", request))).toEqual({ code, message: `words of ${code}` });
        }
      });

      test("a stream's status comes after its messages", async () => {
        const echo = grpc.stream("echo_stream", { message: "good" });
        await echo.send({ message: "fail 9 not yet" });
        expect(await echo.next()).toEqual({ message: "good" });
        expect(await failure(echo.next())).toEqual({ code: 9, message: "not yet" });
      });

      test.each<[string, unknown, RegExp]>([
        ["an unknown field", { nome: "Ada" }, /nome/],
        ["a field of a wrong type", { name: { first: "Ada" } }, /name/],
        ["no JSON", '{"name":', /./],
        ["no object", [1, 2], /./],
        ["nothing", undefined, /./],
      ])("%s is bad input", async (_, request, words) => {
        expect(await failure(grpc.call("say_hello", request))).toEqual({
          code: 3,
          message: expect.stringMatching(words),
        });
      });

      test("a number that does not fit, and a field of a field", async () => {
        const large = { code: 3, message: expect.stringMatching(/latitude/) };
        expect(await failure(grpc.call("get_feature", { latitude: 1e12 }))).toEqual(large);
        expect(await failure(grpc.stream("list_features", { lo: { latitude: "north" } }).next())).toEqual(large);
      });

      test("bad input in a stream ends it, and its RPC", async () => {
        const chat = grpc.stream("route_chat", { message: "good" });
        await chat.next();
        await chat.send({ message: ["bad"] });
        expect(await failure(chat.next())).toEqual({ code: 3, message: expect.stringMatching(/message/) });
        await expect.poll(() => server.stats()).toMatchObject({ streams: 0 });
        const nothing = grpc.stream("list_features");
        nothing.closeSend();
        expect((await failure(nothing.next())).code).toBe(3);
      });

      test("a wrong configuration says which field", async () => {
        const load = (wrong: unknown) => failure(Example.load(language, "grpc", wrong));
        expect((await load({})).message).toMatch(/address/);
        expect((await load({ address: 50051 })).message).toMatch(/address/);
        expect((await load(config({ tls: "yes" }))).message).toMatch(/tls/);
        expect((await load("{")).message).not.toBe("");
      });
    });

    describe("cancellation", () => {
      /** What the server has counted, once the runtime is connected and no RPC is under way. */
      const settled = async () => {
        await eventually(() => grpc.call("say_hello", { name: "Ada" }), CONNECTED_MS);
        await expect.poll(() => server.stats()).toMatchObject({ streams: 0 });
        return server.stats();
      };
      /** The server has ended all its RPCs, and those since `before` were cancelled. */
      const allCancelled = async (before: GrpcStats) => {
        const since = async () => {
          const { calls, cancelled, streams } = await server.stats();
          return { streams, finished: calls - before.calls - (cancelled - before.cancelled) };
        };
        await expect.poll(since).toEqual({ streams: 0, finished: 0 });
      };

      test("the deadline of a call is the server's", async () => {
        const before = await settled();
        const lateAtTheServer = async (timeout: number) => {
          expect(LATE).toContain((await failure(grpc.call("say_hello", { name: "slow" }, { timeout }))).code);
          return (await server.stats()).calls > before.calls;
        };
        // A busy machine may need more time to reach the server.
        for (let timeout = 200; !(await lateAtTheServer(timeout)); ) timeout *= 2;
        await allCancelled(before);
      });

      test("a call that its caller gives up ends its RPC", async () => {
        const before = await settled();
        const abort = new AbortController();
        const call = failure(grpc.call("say_hello", { name: "slow" }, { signal: abort.signal }));
        await expect.poll(() => server.stats()).toMatchObject({ streams: 1 });
        abort.abort();
        await call;
        await allCancelled(before);
      });

      test("a stream that is closed, or late, ends its RPC", async () => {
        const before = await settled();
        const open = async (options: { timeout?: number } = {}) => {
          const stream = grpc.stream("echo_stream", { message: "hello" }, options);
          await stream.next();
          await stream.send({ message: "slow" });
          return stream;
        };
        const closed = await open();
        let timeout = 250;
        const late = await eventually(() => {
          timeout *= 2; // a busy machine may need more time to open it
          return open({ timeout });
        });
        closed.close();
        expect(LATE).toContain((await failure(late.next())).code);
        await allCancelled(before);
      });

      test(`${DROPPED} streams that are dropped leave nothing`, async () => {
        const open = Array.from({ length: DROPPED }, (_, i) => grpc.stream("echo_stream", { message: String(i) }));
        const answers = await Promise.all(open.map((stream) => stream.next()));
        expect(answers).toEqual(open.map((_, i) => ({ message: String(i) })));
        expect(await server.stats()).toMatchObject({ streams: DROPPED });
        for (const stream of open) stream.close();
        await expect.poll(() => server.stats()).toMatchObject({ streams: 0 });
        await expect.poll(() => grpc.inFlight).toBe(0);
        expect(await grpc.call("say_hello", { name: "Ada" })).toEqual({ message: "Hello Ada" });
      });
    });

    describe("TLS", () => {
      const ask = async (address: string, tls: object): Promise<unknown> => {
        const secure = await Example.load(language, "grpc", { address, tls });
        try {
          return await secure.call("say_hello", { name: "Ada" }, { timeout: 5000 });
        } finally {
          secure.unload();
        }
      };
      const refused = async (address: string, tls: object): Promise<void> => {
        expect(await failure(ask(address, tls))).toEqual({ code: UNAVAILABLE, message: expect.stringMatching(/./) });
      };
      const hello = { message: "Hello Ada" };

      test("the server is who its certificate says", async () => {
        const { tlsAddress, certificates } = server;
        const { ca } = certificates;
        expect(await ask(tlsAddress, { ca })).toEqual(hello);
        expect(await ask(tlsAddress, { ca, host: "example.test" })).toEqual(hello);
        await refused(tlsAddress, { ca: certificates.wrongCa });
        await refused(tlsAddress, { ca, host: "elsewhere.test" });
      });

      test("the server asks who we are", async () => {
        const { mtlsAddress, certificates } = server;
        const { ca, cert, key } = certificates;
        expect(await ask(mtlsAddress, { ca, cert, key })).toEqual(hello);
        await refused(mtlsAddress, { ca });
        await refused(mtlsAddress, { ca, cert: certificates.wrongCert, key: certificates.wrongKey });
      });
    });

    describe("a server that is not well", () => {
      const hello = () => grpc.call("say_hello", { name: "Ada" }, { timeout: 2000 });

      test("stands still: calls end at their deadline", async () => {
        await server.pause();
        const call = failure(grpc.call("say_hello", { name: "Ada" }, { timeout: 300 }));
        expect(await duration(call)).toBeLessThan(10_000);
        expect(LATE).toContain((await call).code);
        server.resume();
        expect(await eventually(hello)).toEqual({ message: "Hello Ada" });
      });

      test("resets a call about its deadline, and says nothing else by that", async () => {
        const late = await startLateGrpc();
        try {
          const waiting = await Example.load(language, "grpc", { address: late.address });
          const call = () => failure(waiting.call("say_hello", { name: "Ada" }, { timeout: 500 }));
          await call(); // connects
          for (const { code } of await Promise.all(Array.from({ length: 20 }, call))) expect(LATE).toContain(code);
          waiting.unload();
        } finally {
          late.stop();
        }
      });

      test("is killed and comes back: streams end, calls work again without a reload", async () => {
        const stream = grpc.stream("echo_stream", { message: "hello" });
        await stream.next();
        await server.kill();
        expect((await failure(stream.next())).code).toBe(UNAVAILABLE);
        const call = failure(hello());
        expect(await duration(call)).toBeLessThan(10_000);
        expect(DOWN).toContain((await call).code);

        const early = await Example.load(language, "grpc", `${JSON.stringify(config())} `);
        expect(DOWN).toContain((await failure(early.call("say_hello", { name: "Ada" }, { timeout: 500 }))).code);
        await server.restart();
        expect(await eventually(hello)).toEqual({ message: "Hello Ada" });
        expect(await eventually(() => early.call("say_hello", { name: "Ada" }))).toEqual({ message: "Hello Ada" });
        early.unload();
      });
    });

    unloads(
      language,
      "grpc",
      () => ({ address: server.address, config: config(), served: grpc }),
      async (example) => {
        await example.call("say_hello", { name: "Ada" });
        await example.stream("echo_stream", { message: "hello" }).next();
      },
    );
  });
}
