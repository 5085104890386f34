import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Lua, startLua } from "./support/lua.ts";
import { METHODS } from "./support/places.ts";

let lua: Lua;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "resty-ffi-reload-"));
  lua = await startLua();
});
afterAll(async () => {
  await lua.stop();
  rmSync(folder, { recursive: true, force: true });
});

function run(chunk: string): Promise<string> {
  return lua.run(`
    local ffi = require "resty.ffi"
    local function load(cfg, opts, lib) return assert(ngx.load_ffi(lib or ${JSON.stringify(METHODS)}, cfg, opts)) end
    ${chunk}`);
}

/** In place of what is there, as a build would do it. */
function put(name: string, from: string | Buffer): string {
  const path = join(folder, name);
  if (typeof from === "string") copyFileSync(from, `${path}.new`);
  else writeFileSync(`${path}.new`, from);
  renameSync(`${path}.new`, path);
  return path;
}

describe("resty_ffi.reload", () => {
  it("brings up new code, and lets the old one finish", async () => {
    expect(
      await run(`
        local rt = load("reload")
        local before = select(2, rt:pid())
        local slow = ngx.thread.spawn(function() return rt:sleep("300") end)
        local stream = ffi.stream(rt, "chat", "open")
        local ok, err = ffi.reload(rt)
        local moved = select(2, rt:pid()) ~= before
        stream:send("still")
        local a, b = select(2, stream:recv()), select(2, stream:recv())
        stream:close()
        local s = ffi.stats(rt)
        local _, slept, answer = ngx.thread.wait(slow)
        return ok, err, moved, a, b, slept, answer, s.reloads, s.transport, (select(2, rt:generation()))`),
    ).toBe("true|nil|true|open|still|true|slept|1|process|1");
  });

  it("leaves the old code when the new one does not start, and says why", async () => {
    const lib = put("libbroken.so", METHODS);
    expect(await run(`return select(2, load("broken", { isolate = true }, ${JSON.stringify(lib)}):echo("old"))`)).toBe(
      "old",
    );
    put("libbroken.so", Buffer.from("no library"));
    const answer = await run(`
      local rt = load("broken", nil, ${JSON.stringify(lib)})
      local ok, err = ffi.reload(rt)
      return ok, err, select(2, rt:echo("old")), ffi.stats(rt).reloads`);
    expect(answer).toMatch(
      /^nil\|runtime "libbroken\.so" was not reloaded: .*(invalid ELF header|file too short).*\|old\|0$/,
    );
  });

  it("of a runtime that has ended, or of another value, is refused", async () => {
    expect(await run(`local rt = load("gone") ffi.unload(rt) return ffi.reload(rt)`)).toMatch(/^nil\|unloaded: /);
    expect(await run("return ffi.reload({})")).toMatch(/^nil\|not a runtime/);
  });

  it("at once from two places is one reload", async () => {
    expect(
      await run(`
        local rt = load("both")
        local a = ngx.thread.spawn(ffi.reload, rt)
        local b = ngx.thread.spawn(ffi.reload, rt)
        local one, two = select(2, ngx.thread.wait(a)), select(2, ngx.thread.wait(b))
        return one, two, ffi.stats(rt).reloads`),
    ).toBe("true|true|1");
  });

  it("loses no call of 64 in flight", async () => {
    expect(
      await run(`
        local rt = load("load", { isolate = true })
        local stop, sent, answered, threads = false, 0, 0, {}
        for k = 1, 64 do
          threads[k] = ngx.thread.spawn(function()
            while not stop do
              sent = sent + 1
              local ok, answer = rt:echo("x" .. sent)
              answered = answered + (ok and 1 or 0)
            end
          end)
        end
        local reloads = 0
        for _ = 1, 5 do
          reloads = reloads + (ffi.reload(rt) and 1 or 0)
          ngx.sleep(0.05)
        end
        stop = true
        for k = 1, 64 do ngx.thread.wait(threads[k]) end
        return reloads, sent == answered, sent > 1000, ffi.stats(rt).in_flight`),
    ).toBe("5|true|true|0");
  });

  it("is done by itself with watch, when a file has changed", async () => {
    const lib = put("libwatched.so", METHODS);
    const chunk = `local rt = load("watch", { isolate = true, watch = true }, ${JSON.stringify(lib)})`;
    expect(await run(`${chunk} return (select(2, rt:generation()))`)).toBe("0");
    await sleep(600);
    put("libwatched.so", METHODS);
    const generation = () => run(`${chunk} return (select(2, rt:generation()))`);
    await expect.poll(generation).toBe("1");
  });
});
