import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { freePort, type Nginx } from "@resty-ffi/nginx";
import { paths } from "@resty-ffi/scripts/paths";
import { family, survivors } from "@resty-ffi/scripts/processes";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer } from "../src/server.ts";

const LANGUAGES = ["go", "rust", "python", "java", "node"];

let nginx: Nginx;

beforeAll(async () => {
  nginx = await startServer(paths(), await freePort());
});

afterAll(async () => {
  const running = family(nginx.pid);
  await nginx.stop();
  expect(running.length).toBeGreaterThanOrEqual(3);
  expect(await survivors(running, 2000)).toEqual([]);
});

function get(path: string, init?: RequestInit): Promise<Response> {
  return fetch(`http://127.0.0.1:${nginx.port}${path}`, init);
}

async function echo(language: string, body: Buffer): Promise<Buffer> {
  const answer = await get(`/echo/${language}`, { method: "POST", body: new Uint8Array(body) });
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
}

describe.each(LANGUAGES)("POST /echo/%s", (language) => {
  it.each([
    ["an empty body", Buffer.alloc(0)],
    ["text", Buffer.from("grüße aus dem Norden")],
    ["NULs", Buffer.from("\0a\0\0b\0")],
    ["every byte", Buffer.from(Array.from({ length: 256 }, (_, k) => k))],
    ["1 MB", randomBytes(1 << 20)],
  ])("returns %s as it came", async (_, body) => {
    expect((await echo(language, body)).equals(body)).toBe(true);
  });

  it("says how long the call took", async () => {
    const answer = await get(`/echo/${language}`, { method: "POST", body: "x" });
    expect(Number(answer.headers.get("X-Microseconds"))).toBeGreaterThan(0);
  });
});

it.each(["go", "java"])("POST /echo/%s returns 100 MB as they came", async (language) => {
  const body = Buffer.alloc(100 << 20, randomBytes(1 << 20));
  expect((await echo(language, body)).equals(body)).toBe(true);
});

it("refuses a body beyond the limit", async () => {
  const status = await new Promise((resolve, reject) => {
    const headers = { "Content-Length": 200 << 20 };
    const sent = request(`http://127.0.0.1:${nginx.port}/echo/go`, { method: "POST", headers }, (answer) => {
      resolve(answer.statusCode);
      sent.destroy();
    });
    sent.on("error", reject);
    sent.flushHeaders();
  });
  expect(status).toBe(413);
});

it("answers an unknown language with those that there are", async () => {
  const answer = await get("/echo/cobol", { method: "POST", body: "x" });
  expect(answer.status).toBe(404);
  expect(await answer.text()).toBe('there is no language "cobol"; there are: go, rust, python, java, node\n');
});

it.each([
  ["GET", "/echo/go", "POST"],
  ["POST", "/measure/go", "GET"],
])("answers %s %s with the method to use", async (method, path, allowed) => {
  const answer = await get(path, { method });
  expect(answer.status).toBe(405);
  expect(answer.headers.get("Allow")).toBe(allowed);
});

it("GET /healthz is ok", async () => {
  const answer = await get("/healthz");
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe("ok\n");
});

it("GET / is the page", async () => {
  const answer = await get("/");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Content-Type")).toBe("text/html");
  expect(await answer.text()).toContain("<title>resty-ffi");
});

it("GET /languages tells what runs where", async () => {
  const languages = (await (await get("/languages")).json()) as { name: string; transport: string; about: string }[];
  expect(languages.map(({ name }) => name)).toEqual(LANGUAGES);
  expect(languages.map(({ transport }) => transport)).toEqual(["thread", "thread", "thread", "thread", "process"]);
  for (const { name, about } of languages) expect(JSON.parse(about).language).toBe(name);
});

it.each(LANGUAGES)("GET /measure/%s measures", async (language) => {
  const query = "ms=50&in_flight=8&bytes=100";
  const m = (await (await get(`/measure/${language}?${query}`)).json()) as {
    calls: number;
    calls_per_s: number;
    p50_us: number;
    p99_us: number;
    histogram: number[];
  };
  expect(m.calls).toBeGreaterThanOrEqual(8);
  expect(m.calls_per_s).toBeGreaterThan(0);
  expect(m.p50_us).toBeGreaterThan(1);
  expect(m.p99_us).toBeGreaterThanOrEqual(m.p50_us);
  expect(m.histogram.reduce((a, b) => a + b)).toBe(m.calls);
});

it.each(["ms=5000", "in_flight=0", "bytes=many", "ms=nan", "ms=1.5", "ms"])(
  "refuses to measure with %s",
  async (query) => {
    const answer = await get(`/measure/go?${query}`);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toMatch(/^\w+ must be a whole number from \d+ to \d+\n$/);
  },
);

describe("GET /metrics", () => {
  const SAMPLE = /^([a-z_]+)\{((?:[a-z]+="[^"\\\n]*",?)+)\} (\d+(?:\.\d+)?(?:e[+-]\d+)?)$/;

  async function samples(): Promise<{ name: string; labels: Record<string, string>; value: number }[]> {
    const text = await (await get("/metrics")).text();
    expect(text.endsWith("\n")).toBe(true);
    const types = new Set<string>();
    const found = [];
    for (const line of text.trimEnd().split("\n")) {
      const type = /^# TYPE (\w+) (?:counter|gauge|histogram)$/.exec(line);
      if (type?.[1]) types.add(type[1]);
      else if (!/^# HELP \w+ .+\.$/.test(line)) {
        const [, name = "", labels = "", value] = SAMPLE.exec(line) ?? expect.fail(`not a sample: ${line}`);
        expect(types).toContain(name.replace(/(_seconds)_(bucket|sum|count)$/, "$1"));
        const pairs = [...labels.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, key, text]) => [key, text]);
        found.push({ name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) });
      }
    }
    return found;
  }

  /** The names that /metrics has for the languages, in their order. */
  async function runtimes(): Promise<string[]> {
    const languages = (await (await get("/languages")).json()) as { runtime: string }[];
    return languages.map(({ runtime }) => runtime);
  }

  it("is Prometheus text", async () => {
    const answer = await get("/metrics");
    expect(answer.headers.get("Content-Type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const up = (await samples()).filter(({ name }) => name === "resty_ffi_up");
    expect(up.map(({ labels }) => labels.runtime).sort()).toEqual((await runtimes()).sort());
    for (const { value } of up) expect(value).toBe(1);
  });

  it.each(LANGUAGES)("counts the calls of %s, and their bytes", async (language) => {
    const runtime = (await runtimes())[LANGUAGES.indexOf(language)];
    const count = async (wanted: string, direction?: string): Promise<number> =>
      (await samples()).find(
        ({ name, labels }) =>
          name === wanted && labels.runtime === runtime && labels.method === "echo" && labels.direction === direction,
      )?.value ?? Number.NaN;
    const counts = async () => [
      await count("resty_ffi_calls_total"),
      await count("resty_ffi_call_duration_seconds_count"),
      await count("resty_ffi_bytes_total", "in"),
      await count("resty_ffi_bytes_total", "out"),
    ];
    const before = await counts();
    for (let k = 0; k < 3; k++) await echo(language, Buffer.from("four"));
    const [calls = 0, timed = 0, sent = 0, received = 0] = before;
    expect(await counts()).toEqual([calls + 3, timed + 3, sent + 12, received + 12]);
  });

  it("has nothing in flight when nothing is", async () => {
    const found = (await samples()).filter(({ name }) => name === "resty_ffi_in_flight");
    expect(found.map(({ value }) => value)).toEqual(Array(5).fill(0));
  });
});

it("logs nothing worse than a notice but what nginx says of large bodies", () => {
  const large = /a client request body is buffered|client intended to send too large body/;
  const bad = nginx
    .log()
    .split("\n")
    .filter((line) => /\[(emerg|alert|crit|error|warn)\]/.test(line) && !large.test(line));
  expect(bad).toEqual([]);
});
