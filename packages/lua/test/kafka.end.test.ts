import { join } from "node:path";
import { type Nginx, startNginx } from "@resty-ffi/nginx";
import { startKafka } from "@resty-ffi/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LIB, ROOT } from "./support/places.ts";

const env = { LD_LIBRARY_PATH: [join(ROOT, "native/dist/lib"), join(ROOT, "runtimes/go/dist")].join(":") };
const UNTIL = { timeout: 60_000 };
const RECORDS = 500;

const started: Nginx[] = [];
let kafka: Awaited<ReturnType<typeof startKafka>>;
/** The one that looks at what has arrived. */
let other: Nginx;

async function start(isolate: boolean): Promise<Nginx> {
  const nginx = await startNginx({
    name: "kafka-end",
    env,
    http: ({ port }) => `
lua_package_path "${LIB}/?.lua;;";
keepalive_timeout 0; # so that no request goes to a worker that is about to end
init_worker_by_lua_block { assert(require("resty.ffi.kafka").setup{ isolate = ${isolate} }) }
server {
  listen 127.0.0.1:${port};
  location = / { return 204; }
  location = /log {
    content_by_lua_block { ngx.print("ok") }
    log_by_lua_block {
      local p = require("resty.ffi.kafka").producer{ brokers = { "${kafka.address}" } }
      for k = 1, ${RECORDS} do assert(p:enqueue(ngx.var.arg_topic, nil, "v" .. k)) end
    }
  }
  location = /lua {
    content_by_lua_block {
      ngx.req.read_body()
      local p = assert(require("resty.ffi.kafka").producer{ brokers = { "${kafka.address}" } })
      local result = assert(loadstring("local p = ... " .. ngx.req.get_body_data()))(p)
      ngx.print(tostring(result))
    }
  }
}`,
  });
  started.push(nginx);
  return nginx;
}

beforeAll(async () => {
  kafka = await startKafka();
  other = await start(false);
});
afterAll(async () => {
  await Promise.all(started.map((nginx) => nginx.stop()));
  await kafka?.stop();
});

/** Runs a chunk that knows a producer as `p`. */
async function run(nginx: Nginx, chunk: string): Promise<string> {
  const reply = await fetch(`http://127.0.0.1:${nginx.port}/lua`, { method: "POST", body: chunk });
  if (reply.status !== 200) throw new Error(`${chunk}: ${await reply.text()}\n${nginx.log()}`);
  return reply.text();
}

const created = (topic: string) =>
  run(other, `return assert(p:create_topic("${topic}", { partitions = 1, replication_factor = 1 }))`);
const arrived = async (topic: string) =>
  Number(await run(other, `local _, res = assert(p:offsets("${topic}")) return res[1].next`));
const enqueue = (topic: string) => `
  for k = 1, ${RECORDS} do assert(p:enqueue("${topic}", nil, "v" .. k)) end`;
const library = `
  local rt
  for _, one in ipairs(require("resty.ffi").runtimes()) do
    if require("resty.ffi").stats(one).name:find("kafka", 1, true) then rt = one end
  end`;

describe.each([
  ["in the worker", false],
  ["in a process of its own", true],
])("%s, what was enqueued arrives", (name, isolate) => {
  const topic = (what: string) => `${what}-${isolate}`;

  it("when nginx quits", async () => {
    await created(topic("quit"));
    const nginx = await start(isolate);
    await run(nginx, enqueue(topic("quit")));
    process.kill(nginx.pid, "SIGQUIT");
    expect(await nginx.exited).toBe(0);
    expect(await arrived(topic("quit"))).toBe(RECORDS);
    expect(nginx.log()).not.toMatch(/is lost|longer than it may/);
  });

  it("when nginx quits at once after log_by_lua", async () => {
    await created(topic("log"));
    const nginx = await start(isolate);
    expect(await (await fetch(`http://127.0.0.1:${nginx.port}/log?topic=${topic("log")}`)).text()).toBe("ok");
    process.kill(nginx.pid, "SIGQUIT");
    expect(await nginx.exited).toBe(0);
    expect(await arrived(topic("log"))).toBe(RECORDS);
  });

  it("when nginx, or the runtime, is reloaded, and when it is unloaded", async () => {
    const nginx = await start(isolate);
    await created(topic("hup"));
    await run(nginx, enqueue(topic("hup")));
    nginx.reload();
    await expect.poll(() => arrived(topic("hup")), UNTIL).toBe(RECORDS);
    for (const what of ["reload", "unload"]) {
      await created(topic(what));
      await run(nginx, `${enqueue(topic(what))} ${library} return assert(require("resty.ffi").${what}(rt))`);
      await expect.poll(() => arrived(topic(what)), UNTIL).toBe(RECORDS);
    }
    expect(nginx.log(), name).not.toMatch(/is lost|longer than it may/);
  });
});
