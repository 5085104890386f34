import { close, TIMEOUT } from "@resty-ffi/host";
import { type Service, startEtcd, startLateGrpc } from "@resty-ffi/services";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask, metric } from "./etcd_server.ts";
import { duration, Example, eventually, failure, type Messages } from "./example.ts";
import type { Language } from "./places.ts";
import { unloads } from "./unload.ts";

/** The host says TIMEOUT, unless etcd or its client says DEADLINE_EXCEEDED just before. */
const LATE = [TIMEOUT, 4];
const DOWN = [...LATE, 14];
const WATCHERS = "etcd_debugging_mvcc_watcher_total";

interface Answer {
  revision: number;
  count: number;
  kvs: { key: string; value: string; lease: string }[];
  id: string;
  ttl: number;
  succeeded: boolean;
}

interface Event {
  type: string;
  key: string;
  value: string;
  mod_revision: number;
}

export function etcdExample(language: Language): void {
  describe(`etcd in ${language}`, () => {
    let server: Service;
    let etcd: Example;
    const config = () => ({ endpoints: [server.address] });
    const call = async (method: string, request: unknown, timeout?: number) =>
      (await etcd.call(method, request, timeout ? { timeout } : {})) as Answer;
    beforeAll(async () => {
      server = await startEtcd();
      etcd = await Example.load(language, "etcd", config());
    });
    afterAll(async () => {
      close(5000);
      await server?.stop();
    });

    describe("keys", () => {
      test("put and get", async () => {
        const { revision } = await call("put", { key: "kv/grün", value: "Grüße 🌍" });
        expect(await etcd.call("get", { key: "kv/grün" })).toEqual({
          revision,
          count: 1,
          kvs: [
            {
              key: "kv/grün",
              value: "Grüße 🌍",
              create_revision: revision,
              mod_revision: revision,
              version: 1,
              lease: "0",
            },
          ],
        });
        expect(await call("put", { key: "kv/grün", value: "" })).toEqual({ revision: revision + 1 });
        const again = { create_revision: revision, mod_revision: revision + 1, version: 2, value: "" };
        expect(await etcd.call("get", { key: "kv/grün" })).toMatchObject({ kvs: [again] });
        expect(await etcd.call("get", { key: "kv/grün", revision })).toMatchObject({ kvs: [{ value: "Grüße 🌍" }] });
        expect(await etcd.call("get", { key: "kv/none" })).toEqual({ revision: revision + 1, count: 0, kvs: [] });
      });

      test("prefix, range and limit", async () => {
        for (const key of ["p/a", "p/b", "p/c", "q"]) await call("put", { key, value: key });
        const keys = async (request: object) => {
          const { count, kvs } = await call("get", request);
          return [count, ...kvs.map(({ key }) => key)];
        };
        expect(await keys({ key: "p/", prefix: true })).toEqual([3, "p/a", "p/b", "p/c"]);
        expect(await keys({ key: "p/b", range_end: "q" })).toEqual([2, "p/b", "p/c"]);
        expect(await keys({ key: "p/", prefix: true, limit: 2 })).toEqual([3, "p/a", "p/b"]);
        expect(await keys({ key: "p/" })).toEqual([0]);
      });

      test("delete", async () => {
        for (const key of ["d/a", "d/b", "d/c", "d/d", "d/e"]) await call("put", { key, value: "x" });
        const { revision } = await call("get", { key: "d/a" });
        expect(await call("delete", { key: "d/a" })).toEqual({ revision: revision + 1, deleted: 1 });
        expect(await call("delete", { key: "d/a" })).toEqual({ revision: revision + 1, deleted: 0 });
        expect(await call("delete", { key: "d/b", range_end: "d/d" })).toMatchObject({ deleted: 2 });
        expect(await call("delete", { key: "d/", prefix: true })).toMatchObject({ deleted: 2 });
      });

      test("many at once", async () => {
        const keys = Array.from({ length: 200 }, (_, i) => `many/${i}`);
        await Promise.all(keys.map((key) => call("put", { key, value: key })));
        expect(await call("get", { key: "many/", prefix: true, limit: 1 })).toMatchObject({ count: 200 });
      });
    });

    describe("transactions", () => {
      const compare = (target: string, result: string, value: unknown) => ({ key: "t/a", target, result, value });
      const holds = async (...comparisons: object[]) =>
        (await call("txn", { compare: comparisons, success: [], failure: [] })).succeeded;

      test("success and failure, and what each answers", async () => {
        const { revision } = await call("put", { key: "t/a", value: "1" });
        const txn = {
          compare: [compare("value", "=", "1"), compare("version", "=", 1)],
          success: [{ put: { key: "t/b", value: "2" } }, { get: { key: "t/", prefix: true } }],
          failure: [{ delete: { key: "t/", prefix: true } }],
        };
        const kv = {
          key: "t/a",
          value: "1",
          create_revision: revision,
          mod_revision: revision,
          version: 1,
          lease: "0",
        };
        const other = { ...kv, key: "t/b", value: "2", create_revision: revision + 1, mod_revision: revision + 1 };
        expect(await etcd.call("txn", txn)).toEqual({
          revision: revision + 1,
          succeeded: true,
          responses: [{ put: {} }, { get: { count: 2, kvs: [kv, other] } }],
        });
        await call("put", { key: "t/a", value: "other" });
        expect(await etcd.call("txn", txn)).toEqual({
          revision: revision + 3,
          succeeded: false,
          responses: [{ delete: { deleted: 2 } }],
        });
      });

      test("every target and every comparison", async () => {
        const { revision } = await call("put", { key: "t/a", value: "m" });
        expect(await holds(compare("value", "<", "n"), compare("value", ">", "l"), compare("value", "!=", "x"))).toBe(
          true,
        );
        expect(await holds(compare("value", ">", "m"))).toBe(false);
        expect(await holds(compare("mod_revision", "=", revision), compare("mod_revision", "<", revision + 1))).toBe(
          true,
        );
        expect(await holds(compare("create_revision", "!=", 0), compare("create_revision", ">", 1))).toBe(true);
        expect(await holds(compare("version", ">", 0), compare("version", "<", 100))).toBe(true);
        expect(await holds({ ...compare("create_revision", "=", 0), key: "t/none" })).toBe(true);
        expect(await holds(compare("version", "=", 100))).toBe(false);
      });
    });

    describe("leases", () => {
      test("one that is kept alive outlives one that is not; closing the stream lets it go", async () => {
        const kept = await call("lease_grant", { ttl: 1 });
        // etcd grants no less than its own least time.
        expect(kept).toEqual({ id: expect.stringMatching(/^[1-9]\d*$/), ttl: expect.any(Number) });
        const lost = await call("lease_grant", { ttl: 1 });
        await call("put", { key: "l/kept", value: "x", lease: kept.id });
        await call("put", { key: "l/lost", value: "x", lease: lost.id });
        expect((await call("get", { key: "l/kept" })).kvs[0]?.lease).toBe(kept.id);
        const alive = etcd.stream("lease_keep_alive", { id: kept.id });
        alive.closeSend();
        expect(await alive.next()).toEqual({ id: kept.id, ttl: kept.ttl });
        const count = async (key: string) => (await call("get", { key })).count;
        await expect.poll(() => count("l/lost")).toBe(0);
        expect(await alive.next()).toEqual({ id: kept.id, ttl: kept.ttl });
        expect(await count("l/kept")).toBe(1);
        alive.close();
        await expect.poll(() => count("l/kept")).toBe(0);
      });

      test("revoke takes the keys with it, and ends who keeps it alive", async () => {
        const { id } = await call("lease_grant", { ttl: 3 });
        await call("put", { key: "l/revoked", value: "x", lease: id });
        const alive = etcd.stream("lease_keep_alive", { id });
        await alive.next();
        expect(await call("lease_revoke", { id })).toEqual({});
        expect(await call("get", { key: "l/revoked" })).toMatchObject({ count: 0 });
        expect((await failure(alive.rest())).code).toBe(5);
      });

      test("one that is not there is 5", async () => {
        const id = "12345";
        expect((await failure(etcd.call("lease_revoke", { id }))).code).toBe(5);
        expect((await failure(etcd.call("put", { key: "l/x", value: "x", lease: id }))).code).toBe(5);
        expect((await failure(etcd.stream("lease_keep_alive", { id }).rest())).code).toBe(5);
      });
    });

    describe("watch", () => {
      test("events as they come, for a key, a prefix and a range", async () => {
        const { revision } = await call("get", { key: "w" });
        const from = (request: object) => etcd.stream("watch", { ...request, revision: revision + 1 });
        const watches = [
          from({ key: "w/a" }),
          from({ key: "w/", prefix: true }),
          from({ key: "w/b", range_end: "w/d" }),
        ];
        await call("put", { key: "w/a", value: "1" });
        await call("put", { key: "w/b", value: "2" });
        await call("delete", { key: "w/a" });
        await call("put", { key: "w/c", value: "3" });
        const events = [
          { type: "put", key: "w/a", value: "1", mod_revision: revision + 1 },
          { type: "put", key: "w/b", value: "2", mod_revision: revision + 2 },
          { type: "delete", key: "w/a", value: "", mod_revision: revision + 3 },
          { type: "put", key: "w/c", value: "3", mod_revision: revision + 4 },
        ];
        expect(await watches[0]?.take(2)).toEqual([events[0], events[2]]);
        expect(await watches[1]?.take(4)).toEqual(events);
        expect(await watches[2]?.take(2)).toEqual([events[1], events[3]]);
        for (const watch of watches) watch.close();
        await expect.poll(() => metric(server, WATCHERS)).toBe(0);
      });

      test("without a revision it begins now, and goes on when the caller has nothing more to say", async () => {
        await call("put", { key: "now", value: "before" });
        const watch = etcd.stream("watch", { key: "now" });
        watch.closeSend();
        await expect.poll(() => metric(server, WATCHERS)).toBe(1);
        await call("put", { key: "now", value: "after" });
        expect(await watch.next()).toMatchObject({ type: "put", value: "after" });
        watch.close();
      });

      test("every event once and in order, through a crash of etcd and after it", async () => {
        const { revision } = await call("get", { key: "crash" });
        const watch = etcd.stream("watch", { key: "crash/", prefix: true, revision: revision + 1 });
        // A put whose answer was lost is not done twice.
        const put = (key: string) =>
          eventually(() =>
            call(
              "txn",
              {
                compare: [{ key, target: "version", result: "=", value: 0 }],
                success: [{ put: { key, value: key } }],
                failure: [],
              },
              1000,
            ),
          );
        const keys = Array.from({ length: 90 }, (_, i) => `crash/${i}`);
        for (const key of keys.slice(0, 30)) await put(key);
        expect(await watch.take(10)).toHaveLength(10);
        const others = (async () => {
          for (const key of keys.slice(30)) await put(key);
        })();
        await server.restart();
        await others;
        const events = (await watch.take(80)) as Event[];
        expect(events.map(({ key }) => key)).toEqual(keys.slice(10));
        watch.close();
      });

      test("a revision that is compacted is 11", async () => {
        await call("put", { key: "old", value: "1" });
        const { revision } = await call("put", { key: "old", value: "2" });
        await ask(server, "kv/compaction", { revision, physical: true });
        expect((await failure(etcd.call("get", { key: "old", revision: 1 }))).code).toBe(11);
        expect((await failure(etcd.stream("watch", { key: "old", revision: 1 }).rest())).code).toBe(11);
        expect((await failure(etcd.call("get", { key: "old", revision: revision + 1000 }))).code).toBe(11);
      });
    });

    describe("failures", () => {
      test.each<[string, string, unknown, RegExp]>([
        ["no JSON", "put", "{", /./],
        ["nothing", "get", undefined, /./],
        ["a missing field", "put", { key: "x" }, /value/],
        ["a missing key", "get", { prefix: true }, /key/],
        ["a wrong type", "put", { key: 5, value: "x" }, /key/],
        ["a wrong type of an option", "get", { key: "x", limit: "all" }, /limit/],
        ["a lease that is not a number", "lease_revoke", { id: "mine" }, /id/],
        ["an unknown target", "txn", { compare: [{ key: "x", target: "size", result: "=", value: 1 }] }, /target/],
        ["an unknown result", "txn", { compare: [{ key: "x", target: "version", result: "~", value: 1 }] }, /result/],
        ["an unknown op", "txn", { success: [{ move: { key: "x" } }] }, /./],
      ])("%s is bad input", async (_, method, request, words) => {
        expect(await failure(etcd.call(method, request))).toEqual({ code: 3, message: expect.stringMatching(words) });
      });

      test("bad input of a stream", async () => {
        const first = async (method: string, message: unknown) => failure(etcd.stream(method, message).rest());
        expect(await first("watch", { prefix: true })).toEqual({ code: 3, message: expect.stringMatching(/key/) });
        expect(await first("lease_keep_alive", {})).toEqual({ code: 3, message: expect.stringMatching(/id/) });
        const nothing = etcd.stream("watch");
        nothing.closeSend();
        expect((await failure(nothing.rest())).code).toBe(3);
      });

      test("a wrong configuration says which field", async () => {
        const load = async (wrong: unknown) => (await failure(Example.load(language, "etcd", wrong))).message;
        expect(await load({})).toMatch(/endpoints/);
        expect(await load({ endpoints: server.address })).toMatch(/endpoints/);
        expect(await load({ ...config(), password: 5 })).toMatch(/password/);
        expect(await load("{")).not.toBe("");
      });

      test("an etcd that stands still, or is down: calls end in time, and work again afterwards", async () => {
        const get = () => call("get", { key: "x" }, 1000);
        await server.pause();
        const still = failure(call("get", { key: "x" }, 300));
        expect(await duration(still)).toBeLessThan(10_000);
        expect(DOWN).toContain((await still).code);
        server.resume();
        await eventually(get);
        await server.kill();
        const down = failure(get());
        expect(await duration(down)).toBeLessThan(10_000);
        expect(DOWN).toContain((await down).code);
        const early = await Example.load(language, "etcd", `${JSON.stringify(config())} `);
        expect(DOWN).toContain((await failure(early.call("get", { key: "x" }, { timeout: 500 }))).code);
        await server.restart();
        await eventually(get);
        expect(await eventually(() => early.call("get", { key: "x" }))).toMatchObject({ count: 0 });
        early.unload();
      });

      test("an etcd that resets a call about its deadline says nothing else by that", async () => {
        const late = await startLateGrpc();
        try {
          const waiting = await Example.load(language, "etcd", { endpoints: [late.address] });
          const call = () => failure(waiting.call("get", { key: "x" }, { timeout: 500 }));
          await call(); // connects
          for (const { code } of await Promise.all(Array.from({ length: 20 }, call))) expect(LATE).toContain(code);
          waiting.unload();
        } finally {
          late.stop();
        }
      });
    });

    describe("a password", () => {
      const auth = { user: "root", password: "secret" } as const;
      let guarded: Service;
      beforeAll(async () => {
        guarded = await startEtcd({ auth });
      });
      afterAll(() => guarded?.stop());
      const load = (more: object) => Example.load(language, "etcd", { endpoints: [guarded.address], ...more });

      test("is asked for", async () => {
        for (const wrong of [{}, { user: "root", password: "wrong" }]) {
          const stranger = await load(wrong);
          const { code, message } = await failure(stranger.call("get", { key: "x" }));
          expect([3, 16]).toContain(code);
          expect(message).toMatch(/user name is empty|authentication failed/);
          stranger.unload();
        }
      });

      test("opens, also after a restart that has forgotten whom it let in", async () => {
        const known = await load(auth);
        const { revision } = (await known.call("put", { key: "x", value: "y" })) as Answer;
        const watch: Messages = known.stream("watch", { key: "x", revision });
        expect(await watch.next()).toMatchObject({ value: "y" });
        watch.close();
        await guarded.restart();
        expect(await eventually(() => known.call("get", { key: "x" }, { timeout: 2000 }))).toMatchObject({ count: 1 });
        known.unload();
      });
    });

    unloads(
      language,
      "etcd",
      () => ({ address: server.address, config: config(), served: etcd }),
      async (example) => {
        const { revision } = (await example.call("put", { key: "unload", value: "x" })) as Answer;
        await example.stream("watch", { key: "unload", revision }).next();
        const { id } = (await example.call("lease_grant", { ttl: 60 })) as Answer;
        await example.stream("lease_keep_alive", { id }).next();
      },
    );
  });
}
