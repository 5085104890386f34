import { startKafka } from "@resty-ffi/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KAFKA_ENV, kafkaPrelude } from "./support/kafka.ts";
import { type Lua, startLua } from "./support/lua.ts";

let kafka: Awaited<ReturnType<typeof startKafka>>;
let lua: Lua;
beforeAll(async () => {
  kafka = await startKafka();
  lua = await startLua({ env: KAFKA_ENV });
});
afterAll(async () => {
  await lua?.stop();
  await kafka?.stop();
});

/** `values(c, n)` are those of the next n records; `make(topic, partitions)` makes a topic. */
const run = (chunk: string, options = "") =>
  lua.run(`${kafkaPrelude(kafka.address, options)}
    local function values(c, n)
      local list = {}
      for k = 1, n do list[k] = must(c:recv(20)).value end
      return table.concat(list, " ")
    end
    local function reader(options)
      options.brokers = brokers
      local c, code, err = kafka.consumer(options)
      return c or error(code .. ": " .. err)
    end
    local function make(topic, partitions)
      must(p:create_topic(topic, { partitions = partitions or 1, replication_factor = 1, timeout = 20 }))
    end
    local function send(topic, value, options)
      options = options or {}
      options.timeout = 20
      return must(p:send(topic, nil, value, options))
    end
    ${chunk}`);

describe("headers", () => {
  it("keep their order, come twice, and may have no value", async () => {
    const seen = await run(`
      make("headers")
      local sent = { { "k", "1" }, { "a", "" }, { "k", ngx.null }, { "none" }, { "k", "\\0\\255" } }
      send("headers", "list", { headers = sent })
      send("headers", "map", { headers = { b = "2" } })
      local c = consumer("headers", { "headers" })
      local list, map = must(c:recv(20)).headers, must(c:recv(20)).headers
      send("headers", "forwarded", { headers = list })
      local forwarded = must(c:recv(20)).headers
      c:close()
      local texts = {}
      for k, h in ipairs(forwarded) do texts[k] = h[1] .. "=" .. (h[2] == ngx.null and "null" or #h[2]) end
      return table.concat(texts, " "), list:get("k") == "\\0\\255", #list:all("k"), list:all("k")[2] == ngx.null,
             list:get("none") == ngx.null, list:get("x"), #list:all("x"), map:get("b"), #map`);
    expect(seen).toBe("k=1 a=0 k=null none=null k=2|true|3|true|true|nil|0|2|1");
  });

  it.each(["{ 1 }", '{ { 1, "v" } }', '{ { "k", 1 } }', '{ { "k", "v", "w" } }', '{ { "k" }, x = "v" }', "{ a = 1 }"])(
    "%s is refused",
    async (headers) => {
      expect(await run(`return p:send("headers", nil, "x", { headers = ${headers} })`)).toMatch(
        /^false\|-10\|the option "headers" must be a list of { key, value }, or a table of strings by their keys/,
      );
    },
  );
});

describe("a topic that is deleted and made again", () => {
  it("is written and read on, in a group and without", async () => {
    const seen = await run(
      `make("again")
      send("again", "old")
      local member = reader{ group = "again", topics = { "again" }, metadata_max_age = 1 }
      local alone = reader{ topics = { "again" }, metadata_max_age = 1 }
      local old = values(member, 1) .. values(alone, 1)
      must(member:commit({ topic = "again", partition = 0, offset = 0 }))
      for round = 1, 2 do
        must(p:delete_topic("again", { timeout = 20 }))
        local ok, code
        for _ = 1, 200 do
          ok, code = p:create_topic("again", { partitions = 1, replication_factor = 1 })
          if ok then break end
          ngx.sleep(0.1) -- the broker may still be deleting it
        end
        assert(ok, code)
        send("again", "new" .. round)
        send("again", "more" .. round)
        old = old .. " " .. values(member, 2) .. " " .. values(alone, 2)
      end
      member:close() alone:close()
      return old`,
      "metadata_max_age = 1",
    );
    expect(seen).toBe("oldold new1 more1 new1 more1 new2 more2 new2 more2");
  });
});

describe("reading without a group", () => {
  const fill = (topic: string) => `
    make("${topic}", 2)
    for k = 0, 4 do send("${topic}", tostring(k), { partition = 0, timestamp = 1700000000000 + 1000 * k }) end`;

  it.each([
    ["from", 'topics = { "T" }', "0 1 2 3 4"],
    ["from-0", 'topics = { "T" }, from = 0', "0 1 2 3 4"],
    ["from-time", 'topics = { "T" }, from = { time = 1700000002500 }', "3 4"],
    ["from-offset", 'partitions = { { topic = "T", partition = 0, from = 2 } }', "2 3 4"],
    ["from-each", 'from = "latest", partitions = { { topic = "T", partition = 0, from = { time = 0 } } }', "0 1 2 3 4"],
    ["from-pattern", 'pattern = "T"', "0 1 2 3 4"],
  ])("%s: %s", async (name, options, want) => {
    const seen = await run(`
      ${fill(name)}
      local a = reader{ ${options.replaceAll("T", name)} }
      local b = reader{ ${options.replaceAll("T", name)} }
      local n = ${want.split(" ").length}
      local seen = values(a, n) .. "," .. values(b, n)
      local committed, code, err = a:commit({ topic = "${name}", partition = 0, offset = 1 })
      a:close() b:close()
      return seen, committed, code, err`);
    expect(seen).toMatch(new RegExp(`^${want},${want}\\|false\\|42\\|.*without a group`));
  });

  it("begins at the end", async () => {
    const seen = await run(`
      ${fill("from-end")}
      local c = reader{ topics = { "from-end" }, from = "latest" }
      local sender = ngx.thread.spawn(function()
        while not state.seen do send("from-end", "after", { partition = 0 }) ngx.sleep(0.1) end
      end)
      local first = values(c, 1)
      state.seen = true
      ngx.thread.wait(sender)
      c:close()
      return first`);
    expect(seen).toBe("after");
  });

  it("an offset that is not there is an error", async () => {
    const seen = await run(`
      ${fill("from-nowhere")}
      return reader({ topics = { "from-nowhere" }, from = 9 }):recv(20)`);
    expect(seen).toMatch(/^false\|1\|partition \d of "from-nowhere": OFFSET_OUT_OF_RANGE/);
  });

  it("a pattern finds topics that are made later, and only those that fit entirely", async () => {
    const seen = await run(`
      make("pattern-1") make("not-pattern-1")
      send("not-pattern-1", "wrong") send("pattern-1", "first")
      local a = reader{ pattern = "pattern-\\\\d", metadata_max_age = 1 }
      local b = reader{ pattern = "pattern-\\\\d", metadata_max_age = 1, group = "pattern" }
      local seen = values(a, 1) .. values(b, 1)
      make("pattern-2") make("pattern-23")
      send("pattern-23", "wrong") send("pattern-2", "second")
      seen = seen .. " " .. values(a, 1) .. values(b, 1)
      a:close() b:close()
      return seen`);
    expect(seen).toBe("firstfirst secondsecond");
  });
});

describe("transactions", () => {
  const tx = (id: string) => `transactional_id = "${id}", client_id = "${id}"`;

  it("are seen once they are committed, and not if they are aborted", async () => {
    const seen = await run(
      `local plain = assert(kafka.producer{ brokers = brokers })
      make("tx")
      local done, result = p:transaction(function(tx)
        local first = must(tx:send("tx", "k", "a1", { headers = { { "h", "1" } } }))
        local list = must(tx:send_all({ { topic = "tx", value = "a2" }, { topic = "tx", value = "a3" } }))
        return first.offset .. #list
      end, { timeout = 20 })
      local thrown, code, why = p:transaction(function(tx) must(tx:send("tx", nil, "b")) error("no more") end, { timeout = 20 })
      local refused, reason, text = p:transaction(function(tx)
        must(tx:send("tx", nil, "c"))
        return false, 77, "not this time"
      end, { timeout = 20 })
      local t = assert(p:begin({ timeout = 20 }))
      must(t:send("tx", nil, "d"))
      t:abort()
      t = assert(p:begin({ timeout = 20 }))
      must(t:send("tx", nil, "e"))
      must(t:commit({ timeout = 20 }))
      local ended, closed = t:send("tx", nil, "f")
      must(plain:send("tx", nil, "last", { timeout = 20 }))
      local c = reader{ topics = { "tx" }, read_committed = true }
      local seen = values(c, 5)
      c:close()
      local all = reader{ topics = { "tx" } }
      local every = values(all, 8)
      all:close()
      return done, result, thrown, code, why:match("no more"), refused, reason, text, ended, closed, seen, every`,
      tx("tx"),
    );
    expect(seen).toBe("true|02|false|-6|no more|false|77|not this time|false|-8|a1 a2 a3 e last|a1 a2 a3 b c d e last");
  });

  it("a record that fails aborts its transaction, and one outside of a transaction is refused", async () => {
    const seen = await run(
      `make("tx-failed")
      local ok, code, why = p:transaction(function(tx)
        must(tx:send("tx-failed", nil, "x"))
        local sent = tx:send("nowhere", nil, "x", { timeout = 20 })
        return sent and "sent" or "not sent"
      end, { timeout = 20 })
      local thrown, three, reason = p:transaction(function(tx)
        assert(tx:send("nowhere", nil, "x", { timeout = 20 }))
      end, { timeout = 20 })
      local out, number, text = p:send("tx-failed", nil, "x")
      return ok, code, why, thrown, three, reason, out, number, text`,
      tx("tx-failed"),
    );
    expect(seen).toMatch(/^(false\|3\|the transaction is aborted.*UNKNOWN_TOPIC.*\|){2}false\|42\|.*transactions only/);
  });

  it("one at a time: the next waits, and what its request left open is aborted", async () => {
    await run('make("tx-turn")');
    const left = await run(
      `local t = assert(p:begin({ timeout = 20 }))
      must(t:send("tx-turn", nil, "left"))
      local second, code, err = p:begin({ timeout = 0.2 })
      return second, code, err`,
      tx("tx-turn"),
    );
    expect(left).toBe("nil|-1|another transaction of this transactional_id has not ended yet");
    const seen = await run(
      `must(p:transaction(function(tx) must(tx:send("tx-turn", nil, "kept")) end, { timeout = 20 }))
      local c = reader{ topics = { "tx-turn" }, read_committed = true }
      local first = values(c, 1)
      c:close()
      return first`,
      tx("tx-turn"),
    );
    expect(seen).toBe("kept");
  });

  it("a producer that another of its id has fenced off says so, and can begin again", async () => {
    const seen = await run(
      `make("tx-fenced")
      local other = assert(kafka.producer{ brokers = brokers, transactional_id = "tx-fenced", client_id = "other" })
      local old = assert(p:begin({ timeout = 20 }))
      must(old:send("tx-fenced", nil, "old"))
      must(other:transaction(function(tx) must(tx:send("tx-fenced", nil, "new")) end, { timeout = 20 }))
      local ok, code, why = old:commit({ timeout = 20 })
      must(p:transaction(function(tx) must(tx:send("tx-fenced", nil, "again")) end, { timeout = 20 }))
      local c = reader{ topics = { "tx-fenced" }, read_committed = true }
      local seen = values(c, 2)
      c:close()
      return ok, seen, code, why`,
      tx("tx-fenced"),
    );
    expect(seen).toMatch(/^false\|new again\|(90|47)\|.*another producer has the same transactional_id/);
  });

  it.each([
    ['p:transaction("x")', "a transaction needs a function, not a string"],
    ["p:transaction(function() end)", 'a transaction needs a producer with the option "transactional_id"'],
    ["p:begin({ timeout = 0 })", 'the option "timeout" must be'],
  ])("%s", async (call, words) => {
    expect(await run(`return ${call}`)).toContain(words);
  });
});
