import { readFileSync } from "node:fs";
import { join } from "node:path";
import { lua } from "@resty-ffi/nginx";
import { afterEach, describe, expect, test } from "vitest";
import { Nginx } from "../../src/nginx/nginx.js";
import { ROOT } from "../../src/places.js";

/** In C, with methods; `finish` says what there is to finish at the end. */
const METHODS = join(ROOT, "native/dist/lib/test/libffi_c_methods.so");

let nginx: Nginx | undefined;
afterEach(async () => {
  await nginx?.stop();
  nginx = undefined;
});

async function start(isolate: boolean, main = "", drain = 60): Promise<Nginx> {
  nginx = await Nginx.start({ main });
  await nginx.lua(
    `assert(fixture.load("methods", ${lua(METHODS)}, nil, { isolate = ${isolate}, drain_timeout = ${drain} }))`,
  );
  return nginx;
}

/** Gives the runtime work at its end that takes `ms`. */
const toFinish = (on: Nginx, ms: number) =>
  on.lua(`assert(fixture.runtimes.methods:finish(${lua(`${ms} ${on.folder}/finished`)}))`);

const finished = (on: Nginx) => {
  try {
    return readFileSync(`${on.folder}/finished`, "utf8") === "finished\n";
  } catch {
    return false;
  }
};

/** How long the end took, in ms. */
async function end(on: Nginx, signal: NodeJS.Signals): Promise<number> {
  const start = performance.now();
  on.signal(signal);
  expect(await on.exited).toBe(0);
  return performance.now() - start;
}

describe.each([
  ["in the worker", false],
  ["in a process of its own", true],
])("%s", (_name, isolate) => {
  test("a reload of nginx lets the old worker finish while the new one serves", async () => {
    const on = await start(isolate);
    await toFinish(on, 3000);
    const [before] = on.workers;
    on.signal("SIGHUP");
    await expect.poll(() => on.lua("return ngx.worker.pid()"), { timeout: 20_000 }).not.toBe(String(before));
    await expect.poll(() => finished(on), { timeout: 20_000 }).toBe(true);
    expect(on.alarms()).toEqual([]);
  });

  test("worker_shutdown_timeout bounds what is finished, and the log says so", async () => {
    const on = await start(isolate, "worker_shutdown_timeout 4s;");
    await toFinish(on, 50_000);
    expect(await end(on, "SIGQUIT")).toBeLessThan(30_000);
    expect(finished(on)).toBe(false);
    expect(on.errorLog()).toContain("could not finish"); // as the runtime itself says
    expect(on.alarms()).toEqual([]);
  });

  test("drain_timeout bounds it without that", async () => {
    const on = await start(isolate, "", 4);
    await toFinish(on, 50_000);
    expect(await end(on, "SIGQUIT")).toBeLessThan(30_000);
    expect(on.errorLog()).toContain("could not finish");
  });

  test("a fast stop does not wait", async () => {
    const on = await start(isolate);
    await toFinish(on, 50_000);
    expect(await end(on, "SIGTERM")).toBeLessThan(30_000);
    expect(finished(on)).toBe(false);
  });

  test("a fast stop that comes while a worker quits is heard", async () => {
    const on = await start(isolate);
    await toFinish(on, 50_000);
    on.signal("SIGQUIT");
    await expect.poll(() => on.errorLog(), { timeout: 20_000 }).toContain("gracefully shutting down");
    expect(await end(on, "SIGTERM")).toBeLessThan(30_000);
    expect(finished(on)).toBe(false);
  });
});
