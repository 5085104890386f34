import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { text } from "../../src/expect.js";
import type { Host, Loaded } from "../../src/host.js";
import { nodeHost } from "../../src/node_host.js";
import { LANGUAGES, runtimeOf } from "../../src/places.js";

let host: Host;
const runtimes: Loaded[] = [];

beforeAll(async () => {
  host = await nodeHost(Object.assign({}, ...LANGUAGES.map((language) => runtimeOf(language).env)));
  for (const language of LANGUAGES) {
    const { lib, cfg } = runtimeOf(language);
    runtimes.push(await host.load(lib, cfg, { loadTimeout: 60_000 }));
  }
});
afterAll(() => host.close());

test("all five languages in one Node.js, side by side", async () => {
  const storms = runtimes.map((rt) => rt.storm({ calls: 2000, inFlight: 16, largest: 20_000 }));
  expect(await Promise.all(storms)).toEqual(LANGUAGES.map(() => ({ ok: 2000 })));
  const pids = await Promise.all(runtimes.map(async (rt) => JSON.parse(await text(rt, "lang")).pid as number));
  expect(pids.slice(0, 4)).toEqual(Array(4).fill(process.pid));
  expect(pids[4]).not.toBe(process.pid);
});

test("each counts its own cancellations", async () => {
  const answers = await Promise.all(runtimes.map((rt) => rt.call("never", null, { timeout: 50 })));
  expect(answers.every((answer) => !answer.ok && answer.code === -1)).toBe(true);
  await expect.poll(() => Promise.all(runtimes.map((rt) => text(rt, "cancelled")))).toEqual(LANGUAGES.map(() => "1"));
});

test("this program's signals stay its own, whatever the libraries ask for", async () => {
  const counts = { SIGUSR2: 0, SIGHUP: 0, SIGWINCH: 0 };
  const names = Object.keys(counts) as (keyof typeof counts)[];
  const handlers = names.map((name) => () => void counts[name]++);
  // Half of them before the libraries ask, half after.
  process.on("SIGUSR2", handlers[0] as () => void);
  for (const language of ["go", "rust"] as const) {
    expect(await text(runtimes[LANGUAGES.indexOf(language)] as Loaded, "signals")).toBe("asked");
  }
  process.on("SIGHUP", handlers[1] as () => void);
  process.on("SIGWINCH", handlers[2] as () => void);
  try {
    for (let times = 1; times <= 50; times++) {
      for (const name of names) process.kill(process.pid, name);
      await expect
        .poll(() => counts, { interval: 1 })
        .toEqual({
          SIGUSR2: times,
          SIGHUP: times,
          SIGWINCH: times,
        });
    }
  } finally {
    names.forEach((name, k) => void process.off(name, handlers[k] as () => void));
  }
});

test("this program's children and the libraries' end side by side, each with its code", async () => {
  const libraries = runtimes.map((rt) =>
    Promise.all(Array.from({ length: 10 }, (_, k) => text(rt, "run", `wait 5\n/bin/sh\n-c\nexit ${k}`))),
  );
  for (let k = 0; k < 40; k++) {
    const [code] = await once(spawn("/bin/sh", ["-c", `exit ${k}`]), "exit");
    expect(code).toBe(k);
  }
  const expected = Array.from({ length: 10 }, (_, k) => `exit ${k}`);
  expect(await Promise.all(libraries)).toEqual(runtimes.map(() => expected));
});

test("one that is unloaded leaves the others as they are", async () => {
  await runtimes[0]?.unload();
  expect(await runtimes[0]?.call("echo", "x")).toMatchObject({ ok: false, code: -8 });
  for (const rt of runtimes.slice(1)) expect(await text(rt, "echo", "still here")).toBe("still here");
});
