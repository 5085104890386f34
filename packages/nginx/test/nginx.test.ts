import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { startNginx } from "../src/index.ts";

it("starts, answers with Lua, and leaves nothing behind", async () => {
  const nginx = await startNginx({
    name: "test",
    env: { RESTY_FFI_TEST: "passed on" },
    http: ({ port }) => `server {
      listen 127.0.0.1:${port};
      location / { content_by_lua_block { ngx.say(os.getenv("RESTY_FFI_TEST")) } }
    }`,
  });
  const answer = await (await fetch(`http://127.0.0.1:${nginx.port}/`)).text();
  await nginx.stop();
  expect(answer).toBe("passed on\n");
  expect(await nginx.exited).toBe(0);
  expect(existsSync(nginx.folder)).toBe(false);
});

it("says why it did not start", async () => {
  await expect(startNginx({ name: "test", http: () => "no_such_directive;" })).rejects.toThrow(/unknown directive/);
});
