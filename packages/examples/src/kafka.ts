import { close, type RestyFfiError, TIMEOUT } from "@resty-ffi/host";
import { type Kafka, startKafka } from "@resty-ffi/services";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { duration, Example, eventually, failure, type Messages } from "./example.ts";
import type { Language } from "./places.ts";
import { batchesOf } from "./record_log.ts";
import { unloads } from "./unload.ts";

const UNKNOWN_TOPIC = 3;
const TOO_LARGE = 10;
const TOPIC_EXISTS = 36;
const INVALID_REQUEST = 42;

const THROUGH_CRASH = 2000;
const IN_FLIGHT = 64;

interface Written {
  topic: string;
  partition: number;
  offset: number;
}

interface Read extends Written {
  key: string | null;
  value: string;
}

/** Ignores the failure of create_topic for a topic that exists already. */
function unlessThere(error: RestyFfiError): void {
  if (error.code !== TOPIC_EXISTS) throw error;
}

export function kafkaExample(language: Language): void {
  describe(`kafka in ${language}`, () => {
    let server: Kafka;
    let kafka: Example;
    const config = (more: object = {}) => ({ brokers: [server.address], ...more });
    const create = (topic: string, partitions?: number) => kafka.call("create_topic", { topic, partitions });
    const produce = async (record: object, timeout = 10_000) =>
      (await kafka.call("produce", record, { timeout })) as Written;
    const consume = (group: string, topics: string[], more: object = {}) =>
      kafka.stream("consume", { group, topics, ...more });
    const values = (records: unknown[]) => (records as Read[]).map(({ value }) => value);
    /** Loaded, and connected: clients of a JVM may need longer for that than they wait, where much else is going on. */
    const load = async (more: object = {}) => {
      const example = await Example.load(language, "kafka", config(more));
      await eventually(() => example.call("create_topic", { topic: "connected" }).catch(unlessThere));
      await eventually(() => example.call("produce", { topic: "connected", value: "x" }));
      return example;
    };
    const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));

    beforeAll(async () => {
      server = await startKafka({ properties: { "auto.create.topics.enable": "false" } });
      kafka = await load();
    });
    afterAll(async () => {
      close(5000);
      await server?.stop();
    });

    describe("topics", () => {
      test("create_topic, and again", async () => {
        expect(await create("topics.one")).toEqual({ topic: "topics.one", partitions: 1 });
        expect(await create("topics.three", 3)).toEqual({ topic: "topics.three", partitions: 3 });
        expect(await failure(create("topics.one"))).toEqual({
          code: TOPIC_EXISTS,
          message: expect.stringMatching(/exists/i),
        });
      });

      test("the broker's own refusals", async () => {
        expect((await failure(create("not a name!"))).code).toBe(17);
        const copies = kafka.call("create_topic", { topic: "topics.copies", replication_factor: 3 });
        expect((await failure(copies)).code).toBe(38);
      });
    });

    describe("produce and consume", () => {
      test("a record with all it may have", async () => {
        await create("full", 2);
        const headers = { colour: "grün", empty: "" };
        const before = Date.now();
        const record = { topic: "full", value: "Grüße 🌍", key: "Ada", headers, partition: 1 };
        expect(await produce(record)).toEqual({ topic: "full", partition: 1, offset: 0 });
        expect(await produce({ topic: "full", value: "", partition: 1 })).toEqual({
          topic: "full",
          partition: 1,
          offset: 1,
        });
        const stream = consume("full", ["full"]);
        // Whoever has nothing more to say still listens.
        stream.closeSend();
        const [first, second] = await stream.take(2);
        expect(first).toEqual({ ...record, offset: 0, timestamp: expect.any(Number) });
        const { timestamp } = first as { timestamp: number };
        expect(Math.abs(timestamp - before)).toBeLessThan(20_000);
        expect(second).toMatchObject({ key: null, value: "", headers: {}, offset: 1 });
        stream.close();
      });

      test("the same key goes to the same partition, in order", async () => {
        await create("keys", 4);
        const written: Written[] = [];
        for (const value of numbers(10)) written.push(await produce({ topic: "keys", key: "Ada", value }));
        const partition = written[0]?.partition;
        expect(written).toEqual(numbers(10).map((n) => ({ topic: "keys", partition, offset: Number(n) })));
        const stream = consume("keys", ["keys"]);
        expect(values(await stream.take(10))).toEqual(numbers(10));
        stream.close();
      });

      test("records that are in flight together go out in batches", async () => {
        await create("batches");
        const offsets: number[] = [];
        const burst = async () => {
          const before = batchesOf(server, "batches").length;
          const written = await Promise.all(numbers(IN_FLIGHT).map((value) => produce({ topic: "batches", value })));
          offsets.push(...written.map(({ offset }) => offset));
          return batchesOf(server, "batches").length - before;
        };
        // Where much else is going on they may come one by one.
        await expect.poll(burst).toBeLessThan(IN_FLIGHT / 2);
        expect(offsets.sort((a, b) => a - b)).toEqual(offsets.map((_, n) => n));
      });

      test("gzip", async () => {
        await create("gzip");
        const gzip = await load({ compression: "gzip", linger_ms: 5 });
        const value = "x".repeat(100_000);
        await gzip.call("produce", { topic: "gzip", value });
        gzip.unload();
        expect(batchesOf(server, "gzip")[0]).toBeLessThan(2000);
        const stream = consume("gzip", ["gzip"]);
        expect(values(await stream.take(1))).toEqual([value]);
        stream.close();
      });

      test("acks 1, and none", async () => {
        await create("acks");
        const one = await load({ acks: "1" });
        expect(await one.call("produce", { topic: "acks", value: "1" })).toMatchObject({ offset: 0 });
        one.unload();
        const none = await load({ acks: "0" });
        expect(await none.call("produce", { topic: "acks", value: "2" })).toMatchObject({ offset: -1 });
        const stream = consume("acks", ["acks"]);
        expect(values(await stream.take(2))).toEqual(["1", "2"]);
        stream.close();
        none.unload();
      });

      test("latest begins with what comes", async () => {
        await create("latest");
        await produce({ topic: "latest", value: "before" });
        const stream = consume("latest", ["latest"], { from: "latest" });
        let come = false;
        const first = stream.next().finally(() => {
          come = true;
        });
        for (let n = 0; !come; n++) {
          await produce({ topic: "latest", value: String(n) });
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        expect((await first) as Read).toMatchObject({ value: expect.stringMatching(/^\d+$/) });
        stream.close();
      });

      test("several topics", async () => {
        await create("several.a");
        await create("several.b");
        await produce({ topic: "several.a", value: "a" });
        await produce({ topic: "several.b", value: "b" });
        const stream = consume("several", ["several.a", "several.b"]);
        expect(values(await stream.take(2)).sort()).toEqual(["a", "b"]);
        stream.close();
      });
    });

    describe("groups", () => {
      const commit = async (stream: Messages, record: Written): Promise<void> => {
        const { topic, partition, offset } = record;
        await stream.send({ commit: { topic, partition, offset } });
        expect(await stream.next()).toEqual({ committed: { topic, partition, offset } });
      };

      test("who comes back goes on after the commit; nothing is committed by itself", async () => {
        await create("commits");
        for (const value of numbers(10)) await produce({ topic: "commits", value });
        let stream = consume("commits", ["commits"]);
        await stream.take(10);
        stream.close();
        stream = consume("commits", ["commits"]);
        const again = (await stream.take(10)) as Read[];
        expect(values(again)).toEqual(numbers(10));
        await commit(stream, again[3] as Read);
        stream.close();
        // The group is left at once: its next member does not wait for the first one's session to end, which takes 10 s.
        const start = performance.now();
        stream = consume("commits", ["commits"]);
        expect(values(await stream.take(6))).toEqual(numbers(10).slice(4));
        expect(performance.now() - start).toBeLessThan(9000);
        stream.close();
        stream = consume("commits of others", ["commits"]);
        expect(values(await stream.take(10))).toEqual(numbers(10));
        stream.close();
      });

      test("two members share the partitions", async () => {
        await create("shared", 4);
        const seen: Set<string>[] = [new Set(), new Set()];
        const members = seen.map((values) => {
          const stream = consume("shared", ["shared"]);
          const reading = (async () => {
            for (let record = await stream.next(); record; record = await stream.next()) {
              values.add((record as Read).value);
            }
          })();
          return { stream, reading: reading.catch(() => undefined) };
        });
        let written = 0;
        const round = async () => {
          for (let partition = 0; partition < 4; partition++) {
            await produce({ topic: "shared", value: String(written++), partition });
          }
        };
        await expect
          .poll(
            async () => {
              await round();
              return seen.every((values) => values.size > 0);
            },
            { timeout: 30_000, interval: 100 },
          )
          .toBe(true);
        await round();
        const all = () => new Set([...(seen[0] ?? []), ...(seen[1] ?? [])]).size;
        await expect.poll(all).toBe(written);
        for (const { stream } of members) stream.close();
        await Promise.all(members.map(({ reading }) => reading));
      });
    });

    describe("failures", () => {
      test("an unknown topic", async () => {
        const unknown = { code: UNKNOWN_TOPIC, message: expect.stringMatching(/./) };
        expect(await failure(produce({ topic: "unknown", value: "x" }, 5000))).toEqual(unknown);
      });

      test("a record that is too large", async () => {
        await create("large");
        const value = "x".repeat(1_500_000);
        expect((await failure(produce({ topic: "large", value }))).code).toBe(TOO_LARGE);
        expect(await produce({ topic: "large", value: "small" })).toMatchObject({ offset: 0 });
      });

      test.each<[string, string, unknown, RegExp]>([
        ["no JSON", "produce", "{", /./],
        ["nothing", "produce", undefined, /./],
        ["a missing topic", "produce", { value: "x" }, /topic/],
        ["a missing value", "produce", { topic: "x" }, /value/],
        ["a wrong type", "produce", { topic: "x", value: "x", key: 5 }, /key/],
        ["headers that are a list", "produce", { topic: "x", value: "x", headers: ["a"] }, /headers/],
        ["a partition that is not a number", "produce", { topic: "x", value: "x", partition: "first" }, /partition/],
        ["a missing name", "create_topic", {}, /topic/],
        ["partitions in words", "create_topic", { topic: "x", partitions: "many" }, /partitions/],
      ])("%s is bad input", async (_, method, request, words) => {
        const bad = { code: INVALID_REQUEST, message: expect.stringMatching(words) };
        expect(await failure(kafka.call(method, request))).toEqual(bad);
      });

      test("bad input of consume", async () => {
        await create("bad");
        const first = (message: unknown) => failure(kafka.stream("consume", message).next());
        const bad = (words: RegExp) => ({ code: INVALID_REQUEST, message: expect.stringMatching(words) });
        expect(await first({ topics: ["bad"] })).toEqual(bad(/group/));
        expect(await first({ group: "bad" })).toEqual(bad(/topics/));
        expect(await first({ group: "bad", topics: "bad" })).toEqual(bad(/topics/));
        expect(await first({ group: "bad", topics: ["bad"], from: "yesterday" })).toEqual(bad(/from/));
        const stream = consume("bad", ["bad"]);
        await stream.send({ commit: { topic: "bad", partition: 0 } });
        expect(await failure(stream.next())).toEqual(bad(/offset/));
      });

      test("a wrong configuration says which field", async () => {
        const refused = async (wrong: unknown) => (await failure(Example.load(language, "kafka", wrong))).message;
        expect(await refused({})).toMatch(/brokers/);
        expect(await refused({ brokers: server.address })).toMatch(/brokers/);
        expect(await refused(config({ acks: "most" }))).toMatch(/acks/);
        expect(await refused(config({ compression: "rar" }))).toMatch(/compression/);
        expect(await refused(config({ linger_ms: "long" }))).toMatch(/linger_ms/);
      });
    });

    describe("a broker that is not well", () => {
      test(`is killed amid ${THROUGH_CRASH} records and comes back: whatever it acknowledged is consumed`, async () => {
        await create("crash");
        const stream = consume("crash", ["crash"]);
        const acknowledged = new Set<string>();
        const consumed: string[] = [];
        const reading = (async () => {
          const seen = new Set<string>();
          while (seen.size < THROUGH_CRASH) {
            const { value } = (await stream.next()) as Read;
            consumed.push(value);
            seen.add(value);
          }
        })();
        let next = 0;
        let failed = 0;
        const producer = async () => {
          while (next < THROUGH_CRASH) {
            const value = String(next++);
            // A record whose answer is lost may be there twice then.
            await eventually(async () => {
              try {
                await produce({ topic: "crash", value }, 15_000);
              } catch (error) {
                failed++;
                throw error;
              }
            }, 200_000);
            acknowledged.add(value);
            if (acknowledged.size === THROUGH_CRASH / 2) await server.restart();
          }
        };
        await Promise.all(Array.from({ length: IN_FLIGHT }, producer));
        expect(acknowledged.size).toBe(THROUGH_CRASH);
        // It ends when all of them have come.
        await reading;
        // Nothing was committed: a crash may restart the reading once. A call that failed may have written.
        expect(consumed.length).toBeLessThanOrEqual(2 * (THROUGH_CRASH + failed));
        stream.close();
      });

      test("stands still, or is down: calls end in time, and work again afterwards", async () => {
        await create("down");
        const write = (timeout: number) => produce({ topic: "down", value: "x" }, timeout);
        await server.pause();
        const still = failure(write(300));
        expect(await duration(still)).toBeLessThan(10_000);
        expect((await still).code).not.toBe(0);
        server.resume();
        await eventually(() => write(5000));
        await server.kill();
        const down = failure(write(1000));
        expect(await duration(down)).toBeLessThan(10_000);
        expect((await down).code).not.toBe(0);
        const early = await Example.load(language, "kafka", `${JSON.stringify(config())} `);
        const record = { topic: "down", value: "early" };
        const { code } = await failure(early.call("produce", record, { timeout: 500 }));
        expect(code === TIMEOUT || code > 0).toBe(true);
        await server.restart();
        await eventually(() => write(5000));
        await eventually(() => early.call("produce", record, { timeout: 5000 }));
        early.unload();
      });
    });

    unloads(
      language,
      "kafka",
      () => ({ address: server.address, config: config(), served: kafka }),
      async (example) => {
        await eventually(() => example.call("create_topic", { topic: "unload" }).catch(unlessThere));
        await eventually(() => example.call("produce", { topic: "unload", value: "x" }));
        await example.stream("consume", { group: `unload ${Math.random()}`, topics: ["unload"] }).next();
      },
    );
  });
}
