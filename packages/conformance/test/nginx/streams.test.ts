import { lua } from "@resty-ffi/nginx";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everything } from "../../src/nginx/everything.js";
import { Nginx } from "../../src/nginx/nginx.js";
import { LANGUAGES, runtimeOf } from "../../src/places.js";

/** Streams whose client closes its connection; each language in the transport that it usually has. */
const ABORTS = process.env.NIGHTLY === "1" ? 2000 : 30;

test("a timer that watches a stream for ever lets its worker end", async () => {
  const { lib, cfg } = runtimeOf("go");
  const nginx = await Nginx.start({
    http: `init_worker_by_lua_block {
      local fixture = require "fixture"
      local rt = assert(fixture.load("go", ${lua(lib)}, ${lua(cfg)}))
      ngx.timer.at(0, function()
        local stream = assert(require("resty.ffi").stream(rt, "chat", "watched"))
        repeat
          local ok, message, err = stream:recv(60)
          ngx.log(ngx.WARN, "received ", ok, " ", message, " ", err)
        until not (ok and message)
      end)
    }`,
  });
  try {
    await expect.poll(() => nginx.errorLog()).toContain("received true watched");
    nginx.signal("SIGQUIT");
    const start = performance.now();
    await nginx.exited;
    expect(performance.now() - start).toBeLessThan(20_000); // recv would wait for 60 s
    expect(nginx.errorLog()).toContain("received false -2 cancelled: the worker is exiting");
  } finally {
    await nginx.stop();
  }
});

describe("a client that goes away", () => {
  let nginx: Nginx;
  beforeAll(async () => {
    nginx = await Nginx.start(everything());
  });
  afterAll(() => nginx.stop());

  const ask = (language: string, method: string) =>
    nginx.lua(`local ok, res = fixture.runtimes[${lua(language)}]:${method}() return res`);

  test.each(LANGUAGES)(
    "ends its streams in %s: those that wait for a message, and those in the middle",
    async (name) => {
      const before = Number(await ask(name, "cancelled")); // nothing was cancelled before
      const paths = [`/stream/${name}/chat?first=x`, `/stream/${name}/flood?first=100000`];
      for (let at = 0; at < ABORTS; at += 10) {
        await Promise.all(
          Array.from({ length: 10 }, (_, k) => nginx.leave(paths[k % 2] as string, Math.random() * 40)),
        );
      }
      await expect.poll(() => ask(name, "streams")).toBe("0");
      await expect
        .poll(() => nginx.lua(`return require("resty.ffi").stats(fixture.runtimes[${lua(name)}]).in_flight`))
        .toBe("0");
      await expect.poll(async () => Number(await ask(name, "cancelled")) - before).toBe(ABORTS);
      expect(nginx.alarms()).toEqual([]);
    },
  );
});
