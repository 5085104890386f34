import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { scratchFolder, startKafka } from "@resty-ffi/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { certificate, type Pem } from "./support/certificate.ts";
import { KAFKA_ENV, kafkaPrelude } from "./support/kafka.ts";
import { type Lua, startLua } from "./support/lua.ts";
import { usageOf } from "./support/usage.ts";

const SASL = { user: "ann", password: "secret" };
const env = KAFKA_ENV;

let kafka: Awaited<ReturnType<typeof startKafka>>;
let lua: Lua;
let folder: string;
/** Paths: what the broker trusts and a client needs, and the same of another authority. */
let pem: Pem;
let foreign: Pem;
beforeAll(async () => {
  folder = scratchFolder("kafka-pem");
  const server = certificate(folder, "ca", "server", "IP:127.0.0.1");
  pem = certificate(folder, "ca", "client");
  foreign = certificate(folder, "wrong-ca", "wrong-client");
  const keystore = join(folder, "keystore.pem");
  writeFileSync(keystore, readFileSync(server.key, "utf8") + readFileSync(server.cert, "utf8"));
  kafka = await startKafka({ sasl: SASL, tls: { keystore, authority: server.ca } });
  lua = await startLua({ env });
});
afterAll(async () => {
  await lua?.stop();
  await kafka?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const prelude = (options = "") => kafkaPrelude(kafka.address, options);
const run = (chunk: string, options = "") => lua.run(prelude(options) + chunk);
const topic = (name: string, partitions = 1) =>
  run(`must(p:create_topic("${name}", { partitions = ${partitions}, replication_factor = 1 }))`);

describe("producer", () => {
  it("sends keys, values, headers, to a partition, at a time", async () => {
    expect(await run('return must(p:create_topic("all", { partitions = 3, replication_factor = 1 })).partitions')).toBe(
      "3",
    );
    const sent = await run(`
      local res = must(p:send("all", "k\\0", "v\\255", { partition = 2, headers = { a = "\\0b" }, timestamp = 1700000000123 }))
      return res.topic, res.partition, res.offset`);
    expect(sent).toBe("all|2|0");
    const seen = await run(`
      local c = consumer("all", { "all" })
      local r = must(c:recv(30))
      c:close()
      return r.topic, r.partition, r.offset, r.timestamp == 1700000000123, r.key == "k\\0", r.value == "v\\255", r.headers:get("a") == "\\0b"`);
    expect(seen).toBe("all|2|0|true|true|true|true");
  });

  it("nil and empty are not the same", async () => {
    await topic("nils");
    const seen = await run(`
      must(p:send("nils", nil, nil)) must(p:send("nils", "", ""))
      local c = consumer("nils", { "nils" })
      local a, b = must(c:recv(30)), must(c:recv(30))
      c:close()
      return a.key, a.value, #a.headers, b.key == "", b.value == ""`);
    expect(seen).toBe("nil|nil|0|true|true");
  });

  it.each(["none", "gzip", "snappy", "lz4", "zstd"])("compresses: %s", async (codec) => {
    await topic(`with-${codec}`);
    const seen = await run(
      `must(p:send("with-${codec}", "key", ("text "):rep(10000)))
      local c = consumer("with-${codec}", { "with-${codec}" })
      local r = must(c:recv(30))
      c:close()
      return #r.value`,
      `compression = "${codec}"`,
    );
    expect(seen).toBe("50000");
  });

  it.each([
    ['"all"', "0"],
    ['"1"', "0"],
    ['"0"', "-1"],
    ["-1", "0"],
    ["1", "0"],
    ["0", "-1"],
  ])("acks = %s", async (acks, offset) => {
    const name = `acks-${acks.replaceAll('"', "_")}`;
    await topic(name);
    expect(await run(`return must(p:send("${name}", nil, "x")).offset`, `acks = ${acks}`)).toBe(offset);
  });

  it("sends a list, and says what became of each", async () => {
    await topic("list");
    const seen = await run(`
      local list = {}
      for k = 1, 1000 do list[k] = { topic = "list", key = "k" .. k, value = "v" .. k } end
      list[1001] = { topic = "nowhere", value = "x" }
      local results = must(p:send_all(list, { timeout = 20 }))
      return #results, results[1000].offset, results[1000].code, results[1001].code, results[1001].message`);
    expect(seen).toMatch(/^1001\|999\|nil\|3\|UNKNOWN_TOPIC/);
  });

  it("records in flight at the same time go out in batches", async () => {
    await topic("batches");
    const seen = await run(
      `local threads, count = {}, 0
      for k = 1, 200 do
        threads[k] = ngx.thread.spawn(function() must(p:send("batches", nil, "v")) count = count + 1 end)
      end
      for k = 1, 200 do assert(ngx.thread.wait(threads[k])) end
      return count, must(p:offsets("batches"))[1].next`,
      "linger = 0.005",
    );
    expect(seen).toBe("200|200");
  });

  it("enqueues, and flushes", async () => {
    await topic("queue");
    const seen = await run(
      `for k = 1, 500 do must(p:enqueue("queue", nil, "v")) end
      must(p:flush())
      return must(p:offsets("queue"))[1].next`,
      "linger = 0.1",
    );
    expect(seen).toBe("500");
  });

  it("lists, describes and deletes topics", async () => {
    await topic("brief", 2);
    const seen = await run(`
      local found
      for _, t in ipairs(must(p:topics())) do if t.topic == "brief" then found = t.partitions end end
      local before = #must(p:offsets("brief"))
      must(p:delete_topic("brief"))
      return found, before, p:delete_topic("brief")`);
    expect(seen).toMatch(/^2\|2\|false\|3\|UNKNOWN_TOPIC_OR_PARTITION/);
  });

  it("makes a topic by itself if told so and if the broker allows it", async () => {
    const [ok, code] = (await run('return p:send("unheard-of", nil, "x", { timeout = 10 })')).split("|");
    expect([ok, code]).toEqual(["false", "3"]);
  });
});

describe("consumer", () => {
  it("goes on after what was committed", async () => {
    await topic("bills");
    const first = await run(`
      for k = 1, 10 do must(p:send("bills", nil, "v" .. k)) end
      local c = consumer("bills", { "bills" })
      local r
      for _ = 1, 4 do r = must(c:recv(30)) end
      must(c:commit(r))
      c:close()
      return r.value, must(p:offsets("bills", "bills"))[1].committed`);
    expect(first).toBe("v4|4");
    const next = await run(`
      local c = consumer("bills", { "bills" })
      local r = must(c:recv(30))
      c:close()
      return r.value`);
    expect(next).toBe("v5");
  });

  it("begins at the end if told so", async () => {
    await topic("late");
    const seen = await run(`
      must(p:send("late", nil, "before"))
      local c = consumer("late", { "late" }, { from = "latest" })
      local ok, code = c:recv(0.5)
      local sender = ngx.thread.spawn(function()
        while not state.late do ngx.sleep(0.1) must(p:send("late", nil, "after")) end
      end)
      local r = must(c:recv(30))
      state.late = true
      ngx.thread.wait(sender)
      c:close()
      return ok, code, r.value`);
    expect(seen).toBe("false|-1|after");
  });

  it("commits by itself what was handed out", async () => {
    await topic("auto");
    const seen = await run(`
      for k = 1, 5 do must(p:send("auto", nil, "v" .. k)) end
      local c = consumer("auto", { "auto" }, { commit_interval = 60 })
      for _ = 1, 3 do must(c:recv(30)) end
      c:close()
      local at_close = must(p:offsets("auto", "auto"))[1].committed
      c = consumer("auto", { "auto" }, { commit_interval = 0.05 })
      must(c:recv(30))
      ngx.sleep(0.1)
      must(c:recv(30))
      return at_close, must(p:offsets("auto", "auto"))[1].committed`);
    expect(seen).toBe("3|4");
  });

  it("two members share the partitions, and one takes over when the other leaves", async () => {
    await topic("shared", 2);
    const seen = await run(`
      local a, b = consumer("shared", { "shared" }), consumer("shared", { "shared" })
      local seen = { a = {}, b = {} }
      local function follow(c, name)
        return ngx.thread.spawn(function()
          while true do
            local ok, r = c:recv(0.2)
            if ok then seen[name][r.partition] = true elseif r ~= -1 then return end
          end
        end)
      end
      local threads = { follow(a, "a"), follow(b, "b") }
      local function feed(done)
        for _ = 1, 150 do
          must(p:send("shared", nil, "x", { partition = 0 })) must(p:send("shared", nil, "x", { partition = 1 }))
          if done() then return true end
          ngx.sleep(0.1)
        end
      end
      local split = feed(function() return next(seen.a) and next(seen.b) end)
      a:close()
      seen.b = {}
      local took_over = feed(function() return seen.b[0] and seen.b[1] end)
      b:close()
      for _, thread in ipairs(threads) do ngx.thread.wait(thread) end
      return split, took_over`);
    expect(seen).toBe("true|true");
  });

  it("several light threads may receive from one", async () => {
    await topic("threads");
    const seen = await run(`
      for k = 1, 300 do must(p:enqueue("threads", nil, "v" .. k)) end
      must(p:flush())
      local c = consumer("threads", { "threads" })
      local values, threads, left = {}, {}, 300
      for k = 1, 4 do
        threads[k] = ngx.thread.spawn(function()
          while left > 0 do
            local ok, r = c:recv(0.5)
            if ok then assert(not values[r.value]) values[r.value] = true left = left - 1 end
            ngx.sleep(0)
          end
        end)
      end
      for k = 1, 4 do assert(ngx.thread.wait(threads[k])) end
      c:close()
      return left`);
    expect(seen).toBe("0");
  });
});

describe("a program for lua-resty-ffi-kafka", () => {
  it("runs as it is", async () => {
    await topic("demo");
    const seen = await lua.run(`
      require("resty_ffi")
      local kafka = require("resty.ffi_kafka")
      local p = kafka.producer({ brokers = { "${kafka.address}" }, cap = 100 })
      for _ = 1, 50 do
        assert(p:send("demo", nil, "foobar"))
      end
      local ok, rc = p:send("nowhere", nil, "foobar")
      return kafka == require "resty.ffi.kafka", ok, rc, p:close()`);
    expect(seen).toBe("true|false|3|true");
    expect(await run(`return must(p:offsets("demo"))[1].next`)).toBe("50");
  });

  it("cap bounds the records that wait", async () => {
    await kafka.pause();
    try {
      const seen = await run(`
        local full = assert(kafka.producer{ brokers = brokers, cap = 2 })
        local codes = {}
        for k = 1, 4 do
          local ok, code = full:enqueue("demo", nil, "v")
          codes[k] = ok and "ok" or code
        end
        return table.concat(codes, " ")`);
      expect(seen).toBe("ok ok -3 -3");
    } finally {
      kafka.resume();
    }
    expect(await run(`return select(3, kafka.producer{ brokers = brokers, cap = 2, max_buffered = 2 })`)).toMatch(
      /no option "cap"; the options are: .*max_buffered/,
    );
  });
});

describe("SASL", () => {
  const sasl = (mechanism: string, password: string) => `
    local p = assert(kafka.producer{ brokers = { "${kafka.saslAddress}" }, request_timeout = 3,
      sasl = { mechanism = "${mechanism}", user = "${SASL.user}", password = "${password}" } })`;

  it.each(["PLAIN", "SCRAM-SHA-256"])("%s with the right password", async (mechanism) => {
    const name = `sasl-${mechanism}`;
    await topic(name);
    expect(await run(`${sasl(mechanism, SASL.password)} return must(p:send("${name}", nil, "x")).offset`)).toBe("0");
  });

  /** A token without a signature, which Kafka believes as long as it is told nothing else. */
  const token = (name: string) => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const now = Math.floor(Date.now() / 1000);
    return `${part({ alg: "none" })}.${part({ sub: name, iat: now, exp: now + 3600 })}.`;
  };

  it("OAUTHBEARER with a token, or a file that holds one", async () => {
    await topic("sasl-bearer");
    const file = join(folder, "token");
    const sent = (how: string) =>
      run(`
        local p = assert(kafka.producer{ brokers = { "${kafka.saslAddress}" }, request_timeout = 3,
          sasl = { mechanism = "OAUTHBEARER", ${how} } })
        local ok, res, err = p:send("sasl-bearer", nil, "x", { timeout = 5 })
        return ok, ok and res.offset or res, err`);
    expect(await sent(`token = "${token("ann")}"`)).toBe("true|0|nil");
    writeFileSync(file, `${token("ann")}\n`);
    expect(await sent(`token_file = "${file}"`)).toBe("true|1|nil");
    expect(await sent('token = "nonsense"')).toMatch(/^false\|58\|broker .* SASL_AUTHENTICATION_FAILED/);
    expect(await sent('token_file = "/nowhere"')).toMatch(
      /^false\|1001\|broker .* the option sasl.token_file: open \/nowhere/,
    );
  });

  /** What `send`, `topics` and a consumer's `recv` say of brokers that do not want this client. */
  const told = (options: string) =>
    run(`
      local options = { ${options} }
      local p = assert(kafka.producer(options))
      local _, sent, why, listed
      for _ = 1, 10 do -- a busy machine may not have come to it in the time of one call
        _, sent, why = p:send("sasl-PLAIN", nil, "x", { timeout = 2 })
        if sent ~= -1 then break end
      end
      for _ = 1, 10 do
        _, listed = p:topics{ timeout = 2 }
        if listed ~= -1 then break end
      end
      options.group, options.topics = "told", { "sasl-PLAIN" }
      local c = assert(kafka.consumer(options))
      local _, received, reason
      for _ = 1, 20 do
        _, received, reason = c:recv(1)
        if received ~= -1 then break end
      end
      c:close()
      return sent, listed, received, why, reason`);

  const wanted = `sasl = { mechanism = "PLAIN", user = "ann", password = "secret" }`;
  it.each([
    [
      "a wrong password",
      () => `brokers = { "${kafka.saslAddress}" }, ${wanted.replace("secret", "x")}`,
      58,
      "SASL_AUTH",
    ],
    [
      "a wrong password, SCRAM",
      () => `brokers = { "${kafka.saslAddress}" }, ${wanted.replace("secret", "x").replace("PLAIN", "SCRAM-SHA-256")}`,
      58,
      "SASL_AUTH",
    ],
    [
      "a mechanism that the broker has not",
      () => `brokers = { "${kafka.saslAddress}" }, ${wanted.replace("PLAIN", "SCRAM-SHA-512")}`,
      33,
      "sasl.mechanism",
    ],
    ["no SASL where it is wanted", () => `brokers = { "${kafka.saslAddress}" }`, 1001, "SASL"],
    ["SASL at a listener without it", () => `brokers = { "${kafka.address}" }, ${wanted}`, 34, "no SASL"],
    ["no TLS where it is wanted", () => `brokers = { "${kafka.tlsAddress}" }`, 1001, "tls"],
    ["TLS at a listener without it", () => `brokers = { "${kafka.address}" }, tls = true`, 1001, "tls"],
    ["no server at the address", () => `brokers = { "127.0.0.1:1" }`, 1001, "refused"],
    ["no such host", () => `brokers = { "nobody.invalid:9092" }`, 1001, "nobody.invalid"],
  ])("%s is the reason", async (_, options, code, words) => {
    const [sent, listed, received, why, reason] = (await told(options())).split("|");
    expect([sent, listed, received], `${why} ${reason}`).toEqual([code, code, code].map(String));
    expect(why).toContain(words);
    expect(reason).toContain(words);
  });
});

describe("TLS", () => {
  const tls = ({ ca, cert, key }: Partial<Pem>) => {
    const text = (name: string, path?: string) => (path ? `${name} = [[${readFileSync(path, "utf8")}]],` : "");
    return `
    local p = assert(kafka.producer{ brokers = { "${kafka.tlsAddress}" }, request_timeout = 2,
      tls = { ${text("ca", ca)} ${text("cert", cert)} ${text("key", key)} } })`;
  };

  it("both sides show a certificate", async () => {
    await topic("tls");
    expect(await run(`${tls(pem)} return must(p:send("tls", nil, "x", { timeout = 20 })).offset`)).toBe("0");
  });

  it.each([
    ["an authority that has not signed the broker's", () => ({ ...pem, ca: foreign.ca }), "certificate"],
    ["a certificate that the broker does not trust", () => ({ ...foreign, ca: pem.ca }), ""],
    ["none of our own", () => ({ ca: pem.ca }), ""],
  ])("with %s, an error in time", async (_, wrong, word) => {
    const start = Date.now();
    const [ok, code, message] = (await run(`${tls(wrong())} return p:topics({ timeout = 20 })`)).split("|");
    // One that the broker does not trust may be told by an alert, or by the end of the connection.
    expect([ok, word ? code : "1000"]).toEqual(["false", "1000"]);
    expect(code).toMatch(/^100[01]$/);
    expect(message).toContain(word);
    expect(Date.now() - start).toBeLessThan(19_000);
  });
});

describe("what is wrong is said", () => {
  it.each([
    ["kafka.producer{}", 'the option "brokers" is missing'],
    ["kafka.producer{ brokers = {} }", 'the option "brokers" is missing'],
    ['kafka.producer{ brokers = "a:1" }', 'the option "brokers" must be a list of names, not string "a:1"'],
    [
      'kafka.producer{ brokers = { "a:1" }, ack = "all" }',
      'there is no option "ack"; the options are: acks, auto_create',
    ],
    ['kafka.producer{ brokers = { "a:1" }, acks = 2 }', 'the option "acks" must be one of "all", 1, 0, not number 2'],
    ['kafka.producer{ brokers = { "a:1" }, sasl = { pass = "x" } }', 'the option "sasl": there is no option "pass"'],
    [
      'kafka.producer{ brokers = { "a:1" }, tls = { ca = "/nowhere" } }',
      'the option "tls.ca" is neither PEM nor a file',
    ],
    ["kafka.producer(nil)", "the options must be a table, not a nil"],
  ])("%s", async (call, sentence) => {
    const [nothing, code, message] = (await run(`return ${call}`)).split("|");
    expect([nothing, code]).toEqual(["nil", "-10"]);
    expect(message).toContain(sentence);
  });

  it("kafka.setup{ workers = 2 }", async () => {
    expect(await run("return kafka.setup{ workers = 2 }")).toMatch(/^nil\|the option "workers" must be 1/);
  });

  it.each([
    ['p:send(nil, nil, "x")', 42, '"topic"'],
    ['p:send("all", {}, "x")', -10, 'the record: the option "key" must be a string, not a table'],
    ['p:send("all", "k", "v", { header = {} })', -10, 'there is no option "header"'],
    ['p:send("all", "k", "v", { partition = -1 })', -10, '"partition" must be a whole number from 0 on'],
    ['p:send("all", "k", "v", { partition = 99, timeout = 5 })', 1000, "partition"],
    ['p:send("all", "k", ("x"):rep(2000000))', 10, "MESSAGE_TOO_LARGE"],
    ['p:send_all({ { topic = "all", value = 1 } })', -10, 'record 1: the option "value" must be a string'],
    ['p:send("all", "k", "v", { timeout = 0 })', -10, '"timeout"'],
    ['p:create_topic("all")', 36, "TOPIC_ALREADY_EXISTS"],
    ['p:create_topic("not a name")', 17, "INVALID_TOPIC"],
  ])("%s", async (call, code, sentence) => {
    const [ok, got, message] = (await run(`return ${call}`)).split("|");
    expect([ok, got]).toEqual(["false", String(code)]);
    expect(message).toContain(sentence);
  });

  it.each([
    ['group = "g"', 'the option "topics" is missing'],
    ['topics = { "t" }, commit_interval = 1', 'the option "commit_interval" needs "group"'],
    ['topics = { "t" }, from = "soon"', 'the option "from" must be "earliest", "latest", an offset from 0 on, or {'],
    ['topics = { "t" }, from = { time = 1, x = 1 }', 'the option "from" must be'],
    ["partitions = { { partition = 0 } }", 'the option "partitions" must be a list of { topic, partition, from }'],
    ["partitions = {}", 'the option "partitions" must be a list of'],
  ])("a consumer with %s", async (options, sentence) => {
    const [nothing, code, message] = (await run(`return kafka.consumer{ brokers = brokers, ${options} }`)).split("|");
    expect([nothing, code]).toEqual(["nil", "-10"]);
    expect(message).toContain(sentence);
  });

  it("a text that is not a certificate", async () => {
    const seen = await run(`
      local p = assert(kafka.producer{ brokers = brokers, tls = { ca = "-----BEGIN nonsense" } })
      return p:topics()`);
    expect(seen).toMatch(/^false\|42\|the options: "tls.ca" holds no certificate in PEM form/);
  });
});

describe("brokers go away", () => {
  /** Sends as fast as 64 light threads can until `state.stop`; remembers what was acknowledged. */
  const SENDER = (name: string) => `
    state.acked, state.failed, state.stop = {}, 0, false
    local sent, threads = 0, {}
    for k = 1, 64 do
      threads[k] = ngx.thread.spawn(function()
        while not state.stop do
          sent = sent + 1
          local value = "v" .. sent
          local ok, res, err = p:send("${name}", nil, value, { timeout = 60 })
          if ok then state.acked[#state.acked + 1] = value else state.failed = state.failed + 1 state.err = err end
        end
      end)
    end
    for k = 1, 64 do assert(ngx.thread.wait(threads[k])) end
    return #state.acked, state.failed`;

  /** Reads all of a topic; how many of the acknowledged values are missing, and how many came twice. */
  const AUDIT = (name: string) => `
    local c = consumer("audit-${name}", { "${name}" })
    local left, times = must(p:offsets("${name}"))[1].next, {}
    while left > 0 do
      local r = must(c:recv(20))
      times[r.value] = (times[r.value] or 0) + 1
      left = left - 1
    end
    c:close()
    local missing, twice = 0, 0
    for _, value in ipairs(state.acked) do if not times[value] then missing = missing + 1 end end
    for _, n in pairs(times) do if n > 1 then twice = twice + 1 end end
    return missing, twice`;

  it("killed and restarted while records are sent and received: none lost, none twice", async () => {
    await topic("killed");
    const sending = run(SENDER("killed"));
    const following = run(`
      local c = consumer("follower", { "killed" })
      local seen = 0
      while not state.stop do
        local ok, r = c:recv(0.5)
        if ok then seen = seen + 1 c:commit(r, { timeout = 20 }) end
      end
      c:close()
      return seen`);
    await expect.poll(() => run("return #(state.acked or {}) > 300"), { timeout: 60_000 }).toBe("true");
    await kafka.kill();
    await sleep(500);
    await kafka.restart();
    const before = Number(await run("return #state.acked"));
    await expect.poll(() => run(`return #state.acked > ${before + 300}`), { timeout: 60_000 }).toBe("true");
    await run("state.stop = true");
    const [acked, failed] = (await sending).split("|").map(Number);
    expect(acked).toBeGreaterThan(600);
    expect(failed, await run("return state.err")).toBe(0);
    expect(Number(await following)).toBeGreaterThan(0);
    expect(await run(AUDIT("killed"))).toBe("0|0");
  });

  it("one that hangs: callers get their time-out, and what was sent arrives later", async () => {
    await topic("paused");
    await run('must(p:send("paused", nil, "before"))');
    await kafka.pause();
    const start = Date.now();
    expect(await run('return p:send("paused", nil, "during", { timeout = 0.5 })')).toMatch(/^false\|-1\|/);
    expect(Date.now() - start).toBeLessThan(15_000);
    kafka.resume();
    expect(await run('return must(p:send("paused", nil, "after", { timeout = 15 })).offset')).toBe("2");
  });

  it("the runtime is reloaded under load: nothing fails", async () => {
    await topic("reloaded");
    const sending = run(SENDER("reloaded"));
    await expect.poll(() => run("return #(state.acked or {}) > 100"), { timeout: 60_000 }).toBe("true");
    for (let n = 0; n < 3; n++) {
      expect(await run('return require("resty.ffi").reload(require("resty.ffi").runtimes()[1])')).toMatch(/^true/);
    }
    const before = Number(await run("return #state.acked"));
    await expect.poll(() => run(`return #state.acked > ${before + 100}`), { timeout: 60_000 }).toBe("true");
    await run("state.stop = true");
    const [, failed] = (await sending).split("|").map(Number);
    expect(failed, await run("return state.err")).toBe(0);
    expect(await run(AUDIT("reloaded"))).toBe("0|0");
  });
});

describe("what is dropped is collected", () => {
  it("10,000 clients", async () => {
    await topic("dropped");
    const fresh = await startLua({ env });
    try {
      const pid = await fresh.run("return ngx.worker.pid()");
      const use = (from: number, to: number) =>
        fresh.run(`${prelude()}
          local threads = {}
          for t = 1, 20 do
            threads[t] = ngx.thread.spawn(function()
              for k = ${from} + t, ${to}, 20 do
                local p = assert(kafka.producer{ brokers = brokers, client_id = "c" .. k, idle_timeout = 0.05 })
                must(p:offsets("dropped", nil, { timeout = 30 }))
              end
            end)
          end
          for t = 1, 20 do assert(ngx.thread.wait(threads[t])) end
          collectgarbage()`);
      await use(0, 500);
      await sleep(500);
      const before = usageOf(pid);
      await use(500, 10_000);
      await expect.poll(() => usageOf(pid).fds).toBeLessThanOrEqual(before.fds);
      const after = usageOf(pid);
      expect(after.threads).toBeLessThan(before.threads + 40); // Go's own pool; a leak would be of thousands
      expect(after.kb).toBeLessThan(before.kb + 40_000);
    } finally {
      await fresh.stop();
    }
  });
});
