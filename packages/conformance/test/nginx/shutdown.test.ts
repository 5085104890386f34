import { lua } from "@resty-ffi/nginx";
import { expect, test } from "vitest";
import { Nginx } from "../../src/nginx/nginx.js";
import { runtimeOf } from "../../src/places.js";

const { lib, cfg } = runtimeOf("go");

/** An nginx with a timer that runs a chunk, which knows the runtime as `rt`, and `log`. */
async function withTimer(chunk: string, main: string): Promise<Nginx> {
  const nginx = await Nginx.start({
    main,
    http: `init_worker_by_lua_block {
      local rt = assert(require("fixture").load("go", ${lua(lib)}, ${lua(cfg)}))
      local function log(...) ngx.log(ngx.WARN, ...) end
      ngx.timer.at(0, function(premature)
        log("the timer has begun")
        ${chunk}
      end)
    }`,
  });
  await expect.poll(() => nginx.errorLog()).toContain("the timer has begun");
  return nginx;
}

const CALL = `log("ended with ", table.concat({ tostring(select(2, rt:never(nil, { timeout = 30 }))),
                                                 tostring(select(3, rt:never(nil, { timeout = 30 }))) }, " "))`;

test("worker_shutdown_timeout ends the calls of timers, one after the other, and then the worker", async () => {
  const nginx = await withTimer(CALL, "worker_shutdown_timeout 1s;");
  try {
    const start = performance.now();
    nginx.signal("SIGQUIT");
    expect(await nginx.exited).toBe(0);
    expect(performance.now() - start).toBeLessThan(20_000); // two calls of 30 s
    expect(nginx.errorLog()).toContain(
      "ended with -2 cancelled: the worker is exiting, and its worker_shutdown_timeout is over",
    );
    expect(nginx.alarms()).toEqual([]);
  } finally {
    await nginx.stop();
  }
});

test("without worker_shutdown_timeout the worker waits for the calls of its timers", async () => {
  const nginx = await withTimer(`log("ended with ", select(2, rt:sleep("2000")))`, "");
  try {
    nginx.signal("SIGQUIT");
    expect(await nginx.exited).toBe(0);
    expect(nginx.errorLog()).toContain("ended with slept");
  } finally {
    await nginx.stop();
  }
});

test("a timer that has not begun runs at once when the worker exits, and can still call", async () => {
  const nginx = await withTimer(
    `ngx.timer.at(3600, function(early)
       log("early is ", early, ", exiting is ", ngx.worker.exiting(), ", answered ", select(2, rt:echo("late")))
     end)`,
    "worker_shutdown_timeout 20s;",
  );
  try {
    nginx.signal("SIGQUIT");
    expect(await nginx.exited).toBe(0);
    expect(nginx.errorLog()).toContain("early is true, exiting is true, answered late");
  } finally {
    await nginx.stop();
  }
});

test("a stream in a timer with a worker_shutdown_timeout ends when the worker begins to exit", async () => {
  const nginx = await withTimer(
    `local stream = assert(require("resty.ffi").stream(rt, "chat", "x"))
     local ok, code, err
     repeat ok, code, err = stream:recv(60) until not ok
     log("ended with ", code, " ", err)`,
    "worker_shutdown_timeout 60s;",
  );
  try {
    nginx.signal("SIGQUIT");
    expect(await nginx.exited).toBe(0);
    expect(nginx.errorLog()).toContain("ended with -2 cancelled: the worker is exiting");
  } finally {
    await nginx.stop();
  }
});

// Libraries such as lua-resty-timer-ng run many jobs in few timers that never end.
test("a stream that a job leaves open is cancelled when its object is collected, though its timer lives on", async () => {
  const nginx = await withTimer(
    `local jobs = {}
     require("fixture").add_job = function(job) jobs[#jobs + 1] = job end
     while not ngx.worker.exiting() do
       local job = table.remove(jobs)
       if job then ngx.thread.wait(ngx.thread.spawn(job)) end
       ngx.sleep(0.01)
     end`,
    "",
  );
  try {
    await nginx.lua(`
      local rt = fixture.runtimes.go
      fixture.add_job(function()
        for _ = 1, 5 do
          local stream = assert(require("resty.ffi").stream(rt, "chat", "x"))
          assert(stream:recv(10) == true)
        end
        fixture.done = true
      end)`);
    const state = () =>
      nginx.lua(`
        local _, open = fixture.runtimes.go:streams()
        return tostring(fixture.done) .. " " .. open .. " " .. require("resty.ffi").stats(fixture.runtimes.go).in_flight`);
    await expect.poll(async () => (await state()).split(" ")[0]).toBe("true");
    await expect
      .poll(async () => {
        await nginx.lua("collectgarbage() collectgarbage()");
        return state();
      })
      .toBe("true 0 0");
    expect(nginx.alarms()).toEqual([]);
  } finally {
    await nginx.stop();
  }
});
