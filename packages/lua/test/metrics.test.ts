import { startNginx } from "@resty-ffi/nginx";
import { ended } from "@resty-ffi/scripts/processes";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Lua, startLua } from "./support/lua.ts";
import { LIB, METHODS } from "./support/places.ts";

/** Series by name and labels. */
function parse(text: string): Map<string, number> {
  const series = new Map<string, number>();
  for (const line of text.trimEnd().split("\n")) {
    if (line.startsWith("#")) continue;
    const at = line.lastIndexOf(" ");
    series.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return series;
}

const RUNTIME = 'runtime="libffi_c_methods.so"';

describe("the text", () => {
  let lua: Lua;
  let text: string;
  let series: Map<string, number>;
  beforeAll(async () => {
    lua = await startLua();
    text = await lua.run(`
      local ffi = require "resty.ffi"
      local rt = assert(ngx.load_ffi(${JSON.stringify(METHODS)}))
      for _ = 1, 5 do rt:echo("12345678") end
      rt:fail("7 seven")
      rt:fail("-6 thrown")
      rt:never(nil, { timeout = 0.01 })
      rt:sleep("30")
      local s = ffi.stream(rt, "count", 3)
      while select(2, s:recv()) do end
      local open = ffi.stream(rt, "chat")
      rt['a"b\\\\c']()
      return require("resty.ffi.metrics").text()`);
    series = parse(text);
  });
  afterAll(() => lua.stop());

  it("counts calls, bytes and errors of each method", () => {
    expect(series.get(`resty_ffi_calls_total{${RUNTIME},method="echo"}`)).toBe(5);
    expect(series.get(`resty_ffi_bytes_total{${RUNTIME},method="echo",direction="in"}`)).toBe(40);
    expect(series.get(`resty_ffi_bytes_total{${RUNTIME},method="echo",direction="out"}`)).toBe(40);
    expect(series.get(`resty_ffi_errors_total{${RUNTIME},method="fail",kind="FAILED"}`)).toBe(1);
    expect(series.get(`resty_ffi_errors_total{${RUNTIME},method="fail",kind="THREW"}`)).toBe(1);
    expect(series.get(`resty_ffi_errors_total{${RUNTIME},method="never",kind="TIMEOUT"}`)).toBe(1);
  });

  it("counts what was answered in buckets that add up", () => {
    const buckets = [...series].filter(([key]) =>
      key.startsWith(`resty_ffi_call_duration_seconds_bucket{${RUNTIME},method="sleep"`),
    );
    expect(buckets).toHaveLength(20);
    const ends = buckets.map(([key]) => Number(/le="(.*)"/.exec(key)?.[1]?.replace("+Inf", "Infinity")));
    expect(ends).toEqual([...ends].sort((a, b) => a - b));
    for (const [key, value] of buckets) {
      const end = Number(/le="(.*)"/.exec(key)?.[1]?.replace("+Inf", "Infinity"));
      if (end < 0.03) expect(value).toBe(0);
      if (end > 2) expect(value).toBe(1);
    }
    expect(series.get(`resty_ffi_call_duration_seconds_count{${RUNTIME},method="sleep"}`)).toBe(1);
    const sum = series.get(`resty_ffi_call_duration_seconds_sum{${RUNTIME},method="sleep"}`) ?? 0;
    expect(sum).toBeGreaterThan(0.029);
    expect(sum).toBeLessThan(2);
  });

  it("knows streams, what is in flight, and that the runtime is up", () => {
    expect(series.get(`resty_ffi_streams_total{${RUNTIME}}`)).toBe(2);
    expect(series.get(`resty_ffi_calls_total{${RUNTIME},method="count"}`)).toBe(1);
    expect(series.get(`resty_ffi_in_flight{${RUNTIME}}`)).toBe(1);
    expect(series.get(`resty_ffi_up{${RUNTIME}}`)).toBe(1);
    expect(series.get(`resty_ffi_reloads_total{${RUNTIME}}`)).toBe(0);
  });

  it("is well formed: each family has its help and type once, and labels are escaped", () => {
    const types = text.split("\n").filter((line) => line.startsWith("# TYPE "));
    expect(new Set(types).size).toBe(types.length);
    expect(types).toHaveLength(12);
    for (const line of text.trimEnd().split("\n")) {
      expect(line).toMatch(/^(# (HELP|TYPE) resty_ffi_\w+ .+|resty_ffi_\w+\{(\w+="([^"\\]|\\.)*",?)+\} [0-9.e+-]+)$/);
    }
    expect(text).toContain('method="a\\"b');
  });
});

describe("several workers", () => {
  it("are added up in a shared dict, also when one of them ends", async () => {
    const nginx = await startNginx({
      name: "metrics",
      workers: 2,
      http: ({ port }) => `
        lua_package_path "${LIB}/?.lua;;";
        lua_shared_dict resty_ffi_metrics 1m;
        init_worker_by_lua_block {
          require "resty.ffi"
          rt = assert(ngx.load_ffi(${JSON.stringify(METHODS)}))
          assert(require("resty.ffi.metrics").share("resty_ffi_metrics"))
        }
        server {
          listen 127.0.0.1:${port} reuseport;
          location = / { return 204; }
          location = /call { content_by_lua_block { rt:echo("1234") ngx.say(ngx.worker.pid()) } }
          location = /metrics {
            content_by_lua_block {
              ngx.header.pid = ngx.worker.pid()
              require("resty.ffi.metrics").serve()
            }
          }
        }`,
    });
    const get = async (path: string) => {
      const reply = await fetch(`http://127.0.0.1:${nginx.port}${path}`, { headers: { Connection: "close" } });
      expect(reply.status).toBe(200);
      return { text: await reply.text(), pid: Number(reply.headers.get("pid")) };
    };
    const metrics = async () => parse((await get("/metrics")).text);
    const key = `resty_ffi_calls_total{${RUNTIME},method="echo"}`;
    const settled = (name: string, value: number) => expect.poll(async () => (await metrics()).get(name)).toBe(value);
    try {
      const pids = new Set<number>();
      let calls = 0;
      for (; calls < 20 || (pids.size < 2 && calls < 500); calls++) pids.add(Number((await get("/call")).text));
      expect(pids.size).toBe(2);
      await settled(key, calls);
      await settled(`resty_ffi_up{${RUNTIME}}`, 2);
      // The other one knows what this one did: it has reported it.
      const [victim = 0, other] = pids;
      await expect
        .poll(async () => {
          const { text, pid } = await get("/metrics");
          return pid === other && parse(text).get(key);
        })
        .toBe(calls);
      process.kill(victim, "SIGKILL");
      await expect.poll(() => ended(victim)).toBe(true);
      for (let more = 0; more < 10; more++, calls++) await get("/call");
      await settled(key, calls);
    } finally {
      await nginx.stop();
    }
  });

  it("a dict that is not there is told", async () => {
    const lua = await startLua();
    try {
      expect(await lua.run('return require("resty.ffi.metrics").share("none")')).toBe(
        'nil|there is no lua_shared_dict "none"',
      );
    } finally {
      await lua.stop();
    }
  });
});
