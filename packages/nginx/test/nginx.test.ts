import { existsSync } from "node:fs";
import { ended } from "@resty-ffi/scripts/processes";
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

it("gives up when asked to while it starts", async () => {
  const started = Date.now();
  const starting = startNginx({
    name: "test",
    http: () => `init_worker_by_lua_block { io.popen("exec sleep 60"):read("*a") }`,
    signal: AbortSignal.timeout(300),
  });
  await expect(starting).rejects.toThrow("nginx was stopped while it started.");
  expect(Date.now() - started).toBeLessThan(10_000);
});

it("takes the workers along when the master is killed", async () => {
  const nginx = await startNginx({
    name: "test",
    http: ({ port }) => `server {
      listen 127.0.0.1:${port};
      location / { content_by_lua_block { ngx.say(ngx.worker.pid()) } }
    }`,
  });
  const worker = Number(await (await fetch(`http://127.0.0.1:${nginx.port}/`)).text());
  expect(ended(worker)).toBe(false);
  process.kill(nginx.pid, "SIGKILL");
  expect(await nginx.exited).toBe(null);
  await expect.poll(() => ended(worker)).toBe(true);
  await nginx.stop();
});
