import { join } from "node:path";
import { type Nginx, startNginx } from "@resty-ffi/nginx";
import { startKafka } from "@resty-ffi/services";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LIB, ROOT } from "./support/places.ts";

const env = { LD_LIBRARY_PATH: [join(ROOT, "native/dist/lib"), join(ROOT, "runtimes/go/dist")].join(":") };
const UNTIL = { timeout: 20_000 };

const PHASES = ["content", "header_filter", "body_filter", "log"];

let kafka: Awaited<ReturnType<typeof startKafka>>;
let nginx: Nginx;

const enqueue = (topic: string, value: string) => `
  local ok, code, err = require("resty.ffi.kafka").producer{ brokers = { "${kafka.address}" } }:enqueue("${topic}", nil, ${value})
  ngx.shared.results:set("${topic}", tostring(ok) .. " " .. tostring(code) .. " " .. tostring(err))`;

beforeAll(async () => {
  kafka = await startKafka();
  nginx = await startNginx({
    name: "kafka-enqueue",
    env,
    http: ({ port }) => `
lua_package_path "${LIB}/?.lua;;";
lua_shared_dict results 1m;
server {
  listen 127.0.0.1:${port};
  location = / { return 204; }
  location = /request {
    content_by_lua_block { ${enqueue("content", "ngx.var.arg_n")} ngx.print("ok") }
    header_filter_by_lua_block { ${enqueue("header_filter", "ngx.var.arg_n")} }
    body_filter_by_lua_block { if ngx.arg[2] then ${enqueue("body_filter", "ngx.var.arg_n")} end }
    log_by_lua_block { ${enqueue("log", "ngx.var.arg_n")} }
  }
  location = /nowhere { content_by_lua_block { ngx.print("ok") } log_by_lua_block { ${enqueue("nowhere", "'x'")} } }
  location = /wrong { content_by_lua_block { ngx.print("ok") } log_by_lua_block { ${enqueue("wrong", "{}")} } }
  location = /lua {
    content_by_lua_block {
      ngx.req.read_body()
      local p = assert(require("resty.ffi.kafka").producer{ brokers = { "${kafka.address}" } })
      ngx.print(tostring(assert(loadstring("local p = ... " .. ngx.req.get_body_data()))(p)))
    }
  }
}`,
  });
  for (const topic of PHASES) {
    await run(`return assert(p:create_topic("${topic}", { partitions = 1, replication_factor = 1 }))`);
  }
});
afterAll(async () => {
  await nginx?.stop();
  await kafka?.stop();
});

/** Runs a chunk that knows a producer as `p`. */
async function run(chunk: string): Promise<string> {
  const reply = await fetch(`http://127.0.0.1:${nginx.port}/lua`, { method: "POST", body: chunk });
  if (reply.status !== 200) throw new Error(`${chunk}: ${await reply.text()}\n${nginx.log()}`);
  return reply.text();
}
const get = async (path: string) => (await fetch(`http://127.0.0.1:${nginx.port}${path}`)).text();
const result = (topic: string) => run(`return ngx.shared.results:get("${topic}")`);

it.each(PHASES)("in %s it is sent, and stored", async (phase) => {
  const next = () => run(`local ok, res = p:offsets("${phase}") return ok and res[1].next`);
  const before = Number(await next());
  for (let n = 0; n < 20; n++) expect(await get(`/request?n=${n}`)).toBe("ok");
  await expect.poll(next, UNTIL).toBe(String(before + 20));
  expect(await result(phase)).toBe("true nil nil");
});

it("what fails later is in the error log", async () => {
  expect(await get("/nowhere")).toBe("ok");
  await expect.poll(() => result("nowhere"), UNTIL).toBe("true nil nil");
  await expect.poll(() => nginx.log(), { timeout: 60_000 }).toMatch(/\[error\].*nowhere/);
});

it("what is wrong is returned", async () => {
  expect(await get("/wrong")).toBe("ok");
  await expect.poll(() => result("wrong"), UNTIL).toMatch(/^false -10 the record: .*value/);
});
