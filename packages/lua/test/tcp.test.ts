import { connect } from "node:net";
import { freePort, hasStreamLua, type Nginx, startNginx } from "@resty-ffi/nginx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LIB, METHODS } from "./support/places.ts";

const served = hasStreamLua();
if (!served) process.stdout.write("tcp.test.ts is not run: this nginx has no ngx_stream_lua_module.\n");

/** What comes from 127.0.0.1:port until the end, after a line was sent. */
function ask(port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(`${line}\n`));
    socket.on("data", (chunk) => (text += chunk));
    socket.on("error", reject);
    socket.on("end", () => resolve(text));
  });
}

describe.runIf(served)("in nginx's stream block", () => {
  let nginx: Nginx;
  let port = 0;
  beforeAll(async () => {
    port = await freePort();
    const load = (transport: string) =>
      `assert(ngx.load_ffi(${JSON.stringify(METHODS)}, "${transport}", { dicts = { "words" }, isolate = ${transport === "process"} }))`;
    nginx = await startNginx({
      name: "tcp",
      env: { LD_LIBRARY_PATH: "" },
      main: `stream {
        lua_package_path "${LIB}/?.lua;;";
        lua_shared_dict words 1m;
        init_worker_by_lua_block {
          resty_ffi = require "resty.ffi"
          runtimes = { thread = ${load("thread")}, process = ${load("process")} }
        }
        server {
          listen 127.0.0.1:${port};
          content_by_lua_block {
            local socket = assert(ngx.req.socket(true))
            local transport, method, text = assert(socket:receive()):match("^(%S+) (%S+) ?(.*)$")
            local rt = runtimes[transport]
            if method == "stream" then
              local stream = assert(resty_ffi.stream(rt, "chat", text))
              assert(stream:send("second"))
              stream:close_send()
              repeat
                local ok, message, err = stream:recv()
                ngx.say(tostring(ok), " ", tostring(message), " ", tostring(err))
              until not (ok and message)
            else
              local ok, answer, err = rt[method](rt, text, { timeout = method == "never" and 0.1 or 5 })
              ngx.say(tostring(ok), " ", tostring(answer), " ", tostring(err))
            end
          }
        }
      }`,
      http: ({ port: own }) => `server { listen 127.0.0.1:${own}; location / { return 204; } }`,
    });
  });
  afterAll(() => nginx?.stop());

  it.each(["thread", "process"])(
    "calls, deadlines, streams, the log and the shared dict work (%s)",
    async (transport) => {
      expect(await ask(port, `${transport} echo hello`)).toBe("true hello nil\n");
      expect(await ask(port, `${transport} never`)).toMatch(/^false -1 timeout: /);
      expect(await ask(port, `${transport} stream first`)).toBe("true first nil\ntrue second nil\ntrue nil nil\n");
      expect(await ask(port, `${transport} dict set ${transport} 42`)).toMatch(/^true /);
      expect(await ask(port, `${transport} dict get ${transport}`)).toBe("true 42 nil\n");
      expect(await ask(port, `${transport} log warn from ${transport}`)).toMatch(/^true /);
      await expect.poll(() => nginx.log()).toMatch(new RegExp(`\\[warn\\].*resty-ffi.*from ${transport}`));
      expect(nginx.log()).not.toMatch(/\[(alert|emerg|crit)\]/);
    },
  );
});
