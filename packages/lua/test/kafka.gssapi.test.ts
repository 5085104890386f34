import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts, type Kafka, type Kdc, startKafka, startKdc } from "@resty-ffi/services";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { KAFKA_ENV, kafkaPrelude } from "./support/kafka.ts";
import { type Lua, startLua } from "./support/lua.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 180_000 });

let kdc: Kdc;
let kafka: Kafka;
let lua: Lua;
let keytab = "";

beforeAll(async () => {
  kdc = await startKdc();
  const principal = "kafka/127.0.0.1";
  // A KDC gives no ticket for a service that requires preauthentication to a client that did without.
  await kdc.add(principal, undefined, "-requires_preauth");
  await kdc.add("ann", "secret");
  await kdc.add("bob");
  keytab = await kdc.keytab("bob");
  kafka = await startKafka({
    kerberos: { principal: `${principal}@${kdc.realm}`, keytab: await kdc.keytab(principal), config: kdc.config },
  });
  lua = await startLua({ env: KAFKA_ENV });
  await lua.run(`${kafkaPrelude(kafka.address)} must(p:create_topic("t", { partitions = 1 }))`);
});
afterAll(async () => {
  await lua?.stop();
  await kafka?.stop();
  await kdc?.stop();
});

const ann = 'user = "ann", password = "secret"';
const bob = () => `user = "bob", keytab = "${keytab}"`;
const kerberos = (who: string, config = kdc.config) =>
  `sasl = { mechanism = "GSSAPI", ${who}, config = "${config}" }, request_timeout = 3, idle_timeout = 300`;

/** Runs a chunk for a client with Kerberos. */
const run = (who: string, chunk: string, config?: string) =>
  lua.run(`${kafkaPrelude(kafka.saslAddress ?? "", kerberos(who, config))}
    local options = { ${kerberos(who, config)} }
    ${chunk}`);

/** What `send`, `flush` after `enqueue`, and a consumer's `recv` say of why they get nowhere. */
async function told(who: string, config?: string): Promise<string[]> {
  const text = await run(
    who,
    `local function why(call)
       local ok, code, err
       for _ = 1, 20 do -- a busy machine may not have come to it in the time of one call
         ok, code, err = call()
         if code ~= -1 then break end
       end
       return tostring(ok) .. " " .. tostring(code) .. " " .. tostring(err)
     end
     local c = consumer("told", { "t" }, options)
     must(p:enqueue("t", nil, "x"))
     return table.concat({
       why(function() return p:send("t", nil, "x", { timeout = 2 }) end),
       why(function() return p:flush{ timeout = 2 } end),
       why(function() return c:recv(1) end),
     }, "|")`,
    config,
  );
  return text.split("|");
}

it.each([
  ["a keytab", bob],
  ["a password", () => ann],
])("records are sent and received with %s", async (_, who) => {
  const seen = await run(
    who(),
    `local value = "from " .. math.random()
     must(p:send("t", nil, value, { timeout = 20 }))
     local c = consumer("g" .. value, { "t" }, options)
     for _ = 1, 60 do
       local ok, record, err = c:recv(1)
       if ok and record.value == value then return c:close() end
       if not ok and record ~= -1 and record ~= kafka.UNREACHABLE then error(err) end
     end`,
  );
  expect(seen).toBe("true");
});

it("the realm and the service may be named, and a principal may have parts", async () => {
  await kdc.add("web/host", "secret");
  const who = `user = "web/host", password = "secret", realm = "${kdc.realm}", service = "kafka"`;
  expect(await run(who, 'must(p:send("t", nil, "x", { timeout = 20 })) return true')).toBe("true");
});

it("a principal without preauthentication", async () => {
  await kdc.add("carl", "secret", "-requires_preauth");
  const who = 'user = "carl", password = "secret"';
  expect(await run(who, 'must(p:send("t", nil, "x", { timeout = 20 })) return true')).toBe("true");
  for (const text of await told('user = "carl", password = "wrong"')) {
    expect(text).toMatch(/^false 58 broker .* the option sasl.password may be wrong/);
  }
});

it.each([
  [
    "a wrong password",
    () => 'user = "ann", password = "wrong"',
    /^false 58 broker .*PREAUTH_FAILED.*sasl.password is wrong/,
  ],
  [
    "an unknown principal",
    () => 'user = "eve", password = "x"',
    /^false 58 broker .* says of eve@EXAMPLE.ORG: .*not found/,
  ],
  [
    "an unknown service",
    () => `${ann}, service = "web"`,
    /^false 58 broker .* web\/127.0.0.1@EXAMPLE.ORG: .*sasl.service/,
  ],
  ["an unknown realm", () => `${ann}, realm = "ELSE.ORG"`, /^false 1001 broker .*"ELSE.ORG" has no kdc/],
  [
    "no keytab",
    () => 'user = "bob", keytab = "/nowhere"',
    /^false 1001 broker .* the option sasl.keytab: open \/nowhere/,
  ],
  [
    "a file that is not a keytab",
    () => `user = "bob", keytab = "${kdc.config}"`,
    /^false 1001 broker .* is not a keytab/,
  ],
  [
    "the keytab of another principal",
    () => `user = "ann", keytab = "${keytab}"`,
    /^false 1001 broker .* no key of AES for ann@/,
  ],
])("%s is the reason of every call", async (_, who, words) => {
  for (const text of await told(who())) expect(text).toMatch(words);
});

it("a configuration that is not there, and a KDC that is not", async () => {
  for (const text of await told(ann, "/nowhere/krb5.conf")) {
    expect(text).toMatch(/^false 1001 broker .* the option sasl.config: open \/nowhere/);
  }
  const [port] = await freePorts(1);
  const config = join(kdc.config, "..", "nobody.conf");
  writeFileSync(
    config,
    `[libdefaults]\ndefault_realm = NOBODY.ORG\n[realms]\nNOBODY.ORG = {\nkdc = 127.0.0.1:${port}\n}\n`,
  );
  for (const text of await told(ann, config)) {
    expect(text).toMatch(/^false 1001 broker .* the KDC 127.0.0.1:\d+: dial tcp .*refused/);
  }
});

it("a key of the keytab that the KDC has replaced, until the keytab has the new one", async () => {
  await kdc.add("dan");
  const old = await kdc.keytab("dan");
  const who = `user = "dan", keytab = "${join(kdc.config, "..", "dan.copy")}"`;
  copyFileSync(old, join(kdc.config, "..", "dan.copy"));
  copyFileSync(await kdc.keytab("dan"), old);
  for (const text of await told(who)) expect(text).toMatch(/^false 58 broker .*the option sasl.keytab is wrong/);
  copyFileSync(old, join(kdc.config, "..", "dan.copy"));
  await expect
    .poll(() => run(who, 'return (p:send("t", nil, "x", { timeout = 5 }))'), { timeout: 60_000, interval: 500 })
    .toBe("true");
});

it("tickets are kept: a broker that comes back needs no KDC, which a new client waits for", async () => {
  const send = 'local ok, _, err = p:send("t", nil, "x", { timeout = 5 }) return ok, err';
  expect(await run(bob(), send)).toMatch(/^true/);
  await kdc.pause();
  try {
    await kafka.restart();
    await expect.poll(() => run(bob(), send), { timeout: 60_000, interval: 500 }).toMatch(/^true/);
    for (const text of await told(`${ann}, service = "kafka"`)) {
      expect(text).toMatch(/^false 1001 broker .*(the KDC does not answer|and does not answer)/);
    }
  } finally {
    kdc.resume();
  }
  await expect.poll(() => run(`${ann}, service = "kafka"`, send), { timeout: 60_000, interval: 500 }).toMatch(/^true/);
});
