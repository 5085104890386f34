import { join } from "node:path";
import { lua } from "@resty-ffi/nginx";
import { ended } from "@resty-ffi/scripts/processes";
import { afterEach, describe, expect, test } from "vitest";
import { everything } from "../../src/nginx/everything.js";
import { Nginx } from "../../src/nginx/nginx.js";
import { LANGUAGES, type Language, ROOT, runtimeOf } from "../../src/places.js";

/** What a library is in the worker's process: a guest in somebody else's. */

let nginx: Nginx | undefined;
afterEach(async () => {
  await nginx?.stop();
  nginx = undefined;
});

async function call(of: Nginx, language: string, method: string, body = ""): Promise<string> {
  const reply = await of.request("POST", `/call/${language}/${method}?timeout=50`, { body, agent: false });
  if (reply.headers["x-ok"] !== "1") throw new Error(`${language} ${method}: ${reply.status} ${reply.body}`);
  return reply.body.toString();
}

const load = (language: Language, options: object = {}) => {
  const { lib, cfg } = runtimeOf(language);
  return `assert(fixture.load(${[language, lib, cfg, { load_timeout: 60, ...options }].map(lua).join(", ")}))`;
};
const init = (...loads: string[]) =>
  `init_worker_by_lua_block { local fixture = require "fixture"; ${loads.join("\n")} }`;
const envOf = (...languages: Language[]): Record<string, string> =>
  Object.assign({}, ...languages.map((language) => runtimeOf(language).env));

/** More than there is room for where the system has put the environment of the process. */
const many = Object.keys(process.env).length + 40;

describe.each([false, true])("isolate = %s", (isolate) => {
  test("the environment is the worker's, in every language", async () => {
    const settings = everything({ isolate });
    const made = Array.from({ length: many }, (_, k) => [`MADE_${k}`, `value ${k} = ${k}`] as const);
    process.env.RESTY_TEST_WITHHELD = "the master's";
    try {
      nginx = await Nginx.start({
        ...settings,
        env: { ...settings.env, RESTY_TEST_PASSED: "passed on" },
        main: made.map(([name, value]) => `env "${name}=${value}";`).join("\n"),
      });
    } finally {
      delete process.env.RESTY_TEST_WITHHELD;
    }
    const expected = { ...settings.env, RESTY_TEST_PASSED: "passed on", ...Object.fromEntries(made) };
    for (const language of LANGUAGES) {
      const lines = (await call(nginx, language, "environment")).split("\n");
      const own = /^(RESTY_FFI_|TZ=)/;
      const found = lines.filter((line) => !own.test(line)).sort();
      expect({ language, found }).toEqual({
        language,
        found: Object.entries(expected)
          .map(([name, value]) => `${name}=${value}`)
          .sort(),
      });
    }
  });
});

describe("signals", () => {
  const asking: Language[] = ["go", "rust"];
  const start = async () => {
    nginx = await Nginx.start({
      env: envOf("go", "rust", "python", "java"),
      http: init(...(["go", "rust", "python", "java"] as const).map((language) => load(language))),
    });
    for (const language of asking) expect(await call(nginx, language, "signals")).toBe("asked");
    return nginx;
  };
  const worker = (of: Nginx) => of.workers[0] as number;

  test.each(["SIGQUIT", "SIGTERM", "SIGINT"] as const)("a library that asks for all does not get %s", async (name) => {
    const of = await start();
    const pid = worker(of);
    const slow = name === "SIGQUIT" ? call(of, "go", "sleep", "2000") : undefined;
    const stats = () => of.lua(`return fixture.stats("go")`);
    if (slow) await expect.poll(stats, { interval: 10 }).toContain("in_flight=1");
    process.kill(pid, name);
    await expect.poll(() => ended(pid)).toBe(true);
    if (slow) expect(await slow).toBe("slept");
    expect(of.alarms()).toEqual([]);
  });

  test("nor SIGHUP, SIGUSR1 and SIGUSR2, a hundred times each; the log is reopened and the worker goes on", async () => {
    const of = await start();
    const pid = worker(of);
    for (let k = 0; k < 100; k++) for (const name of ["SIGHUP", "SIGUSR1", "SIGUSR2"] as const) process.kill(pid, name);
    await expect.poll(() => of.errorLog()).toContain("reopening logs");
    expect(await call(of, "go", "echo", "goes on")).toBe("goes on");
    of.signal("SIGHUP");
    await expect.poll(() => ended(pid)).toBe(true);
    await expect.poll(() => of.workers.length).toBe(1);
    expect(await call(of, "go", "echo", "the next worker")).toBe("the next worker");
    expect(of.alarms()).toEqual([]);
  });
});

describe("a library that ends the worker", () => {
  test.each(["rust", "python", "java"] as const)("%s, with code 2: nginx starts another worker", async (language) => {
    nginx = await Nginx.start({ env: envOf(language), http: init(load(language)) });
    const of = nginx;
    for (let times = 1; times <= 2; times++) {
      const [pid] = of.workers as [number];
      await expect(call(of, language, "exit", "2")).rejects.toThrow();
      await expect.poll(() => ended(pid)).toBe(true);
      await expect.poll(() => of.workers.length).toBe(1);
      expect(await call(of, language, "echo", "again")).toBe("again");
    }
    const said = of
      .log()
      .filter(({ text }) => /\[resty-ffi\] lib.+: it ended this worker: _?exit\(2\); the code becomes 1/.test(text));
    expect(said).toHaveLength(2);
    expect(of.errorLog()).not.toContain("cannot be respawned");
  });

  test("Go, by a panic outside of a handler: nginx starts another worker", async () => {
    nginx = await Nginx.start({ http: init(load("go")) });
    const of = nginx;
    const [pid] = of.workers as [number];
    await expect(call(of, "go", "panic")).rejects.toThrow();
    await expect.poll(() => ended(pid)).toBe(true);
    await expect.poll(() => of.workers.length).toBe(1);
    expect(await call(of, "go", "echo", "again")).toBe("again");
    expect(of.errorLog()).toContain("panic: outside of a handler");
    expect(of.errorLog()).toContain(`worker process ${pid} exited on signal 6`);
  });

  test("Go's os.Exit(2) asks the kernel directly: the one case in which nginx starts no other worker", async () => {
    nginx = await Nginx.start({ http: init(load("go")) });
    const of = nginx;
    await expect(call(of, "go", "exit", "2")).rejects.toThrow();
    await expect.poll(() => of.errorLog()).toContain("fatal code 2 and cannot be respawned");
    of.signal("SIGHUP");
    await expect.poll(() => of.workers.length).toBe(1);
    expect(await call(of, "go", "echo", "after a reload")).toBe("after a reload");
  });
});

test("an exit handler that never comes back does not keep a worker for ever", async () => {
  const other = join(ROOT, "native/dist/lib/test/libffi_c_exits.so");
  nginx = await Nginx.start({ http: init(`assert(fixture.load("exits", ${lua(other)}, "hang", {}))`) });
  const pid = nginx.workers[0] as number;
  nginx.signal("SIGQUIT");
  await expect.poll(() => ended(pid)).toBe(true);
  expect(nginx.errorLog()).toMatch(/exit: an exit handler of a library has not come back within 3 s/);
});

describe("Lua's own programs", () => {
  const busy = ["go", "rust", "python", "java"] as const;
  const start = async () => {
    nginx = await Nginx.start({
      env: envOf(...busy),
      http: init(...busy.map((language) => load(language))),
    });
    return nginx;
  };
  /** Programs of all languages, until told to stop; resolves with how they ended. */
  const programs = (of: Nginx) => {
    let on = true;
    const ended: Record<string, number> = {};
    const done = Promise.all(
      busy.map(async (language) => {
        while (on) {
          const end = await call(of, language, "run", "wait 3\n/bin/sh\n-c\nexit 7");
          ended[end] = (ended[end] ?? 0) + 1;
        }
      }),
    );
    const stop = () => {
      on = false;
      return done.then(() => ended);
    };
    return { stop };
  };

  test("os.execute and io.popen beside the libraries' programs: every end is right", async () => {
    const of = await start();
    const running = programs(of);
    const found = await of.lua(`
      local counts = {}
      local function note(what) counts[what] = (counts[what] or 0) + 1 end
      for k = 1, 200 do
        note("execute " .. tostring(os.execute("exit " .. k % 5) == k % 5 * 256))
        if k % 4 == 0 then
          local program = io.popen("echo " .. k .. "; exit 3")
          note("read " .. tostring(program:read("*l") == tostring(k)))
          program:close()
        end
        ngx.sleep(0.001)
      end
      return counts["execute true"] .. " " .. counts["read true"]`);
    expect(found).toBe("200 50");
    const ends = await running.stop();
    expect(Object.keys(ends)).toEqual(["exit 7"]);
    expect(ends["exit 7"]).toBeGreaterThanOrEqual(busy.length);
    expect(of.alarms()).toEqual([]);
  });

  test("ngx.pipe beside the libraries' programs: every end is right", async ({ skip }) => {
    const of = await start();
    const there = await of.lua(`return pcall(function() return require("ngx.pipe").spawn({ "/bin/true" }) end)`);
    if (there !== "true") skip("this ngx_lua has no ngx.pipe: it is in OpenResty's nginx only");
    const running = programs(of);
    const found = await of.lua(`
      local pipe, counts = require "ngx.pipe", {}
      fixture.crowd(4, function()
        for k = 1, 50 do
          local program = assert(pipe.spawn({ "/bin/sh", "-c", k % 2 == 0 and "exit 3" or "kill -9 $$" }))
          local ok, reason, status = program:wait()
          local what = tostring(ok) .. " " .. reason .. " " .. status
          counts[what] = (counts[what] or 0) + 1
        end
      end)
      return counts["false exit 3"] .. " " .. counts["false signal 9"]`);
    expect(found).toBe("100 100");
    expect(Object.keys(await running.stop())).toEqual(["exit 7"]);
  });
});

test("without a master: programs, os.execute and the signals are right too", async () => {
  nginx = await Nginx.start({
    env: envOf("go", "python"),
    main: "master_process off;",
    http: init(load("go"), load("python")),
  });
  const of = nginx;
  expect(await call(of, "go", "signals")).toBe("asked");
  for (let k = 0; k < 20; k++) {
    const [go, python, lua] = await Promise.all([
      call(of, "go", "run", `wait 5\n/bin/sh\n-c\nexit ${k}`),
      call(of, "python", "run", `wait 5\n/bin/sh\n-c\nexit ${k}`),
      of.lua(`return os.execute("exit ${k}")`),
    ]);
    expect([go, python, lua]).toEqual([`exit ${k}`, `exit ${k}`, String(k * 256)]);
  }
  of.signal("SIGQUIT");
  expect(await of.exited).toBe(0);
});

// Their starter is a thread that has ended when they are waited for: they are the main thread's children then.
test("Python: multiprocessing works, by spawn, forkserver and fork", async () => {
  nginx = await Nginx.start({ env: envOf("python"), http: init(load("python")) });
  for (const method of ["spawn", "forkserver", "fork"]) {
    expect(await call(nginx, "python", "processes", `${method} 21`)).toBe("42 exit 0 signal 15");
  }
});
