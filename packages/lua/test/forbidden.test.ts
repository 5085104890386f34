import { afterEach, beforeEach, expect, it } from "vitest";
import { type Lua, startLua } from "./support/lua.ts";
import { ECHO, METHODS } from "./support/places.ts";

/** Numbers of system calls, by architecture. */
const CALLS: Record<string, Record<string, number>> = {
  x64: { memfd_create: 319, eventfd2: 290 },
  arm64: { memfd_create: 279, eventfd2: 19 },
};
const EPERM = 1;

let lua: Lua;
beforeEach(async () => {
  lua = await startLua();
});
afterEach(() => lua.stop());

/** A filter of the kernel (seccomp) in the worker, as a sandbox sets one up: the call fails from now on, for good. */
function forbid(call: string): string {
  const number = CALLS[process.arch]?.[call];
  if (number === undefined) throw new Error(`The number of ${call} on ${process.arch} is missing in this test.`);
  return `
    local ffi = require "ffi"
    ffi.cdef [[
      typedef struct { uint16_t code; uint8_t jt, jf; uint32_t k; } filter_step;
      typedef struct { uint16_t len; filter_step *steps; } filter_program;
      int prctl(int option, unsigned long a, void *b, unsigned long c, unsigned long d);
    ]]
    local steps = ffi.new("filter_step[4]", {
      { 0x20, 0, 0, 0 },                              -- the call's number
      { 0x15, 0, 1, ${number} },
      { 0x06, 0, 0, 0x00050000 + ${EPERM} },          -- fails
      { 0x06, 0, 0, 0x7fff0000 },                     -- is allowed
    })
    assert(ffi.C.prctl(38, 1, nil, 0, 0) == 0)        -- PR_SET_NO_NEW_PRIVS
    assert(ffi.C.prctl(22, 2, ffi.new("filter_program", 4, steps), 0, 0) == 0)
    local resty_ffi = require "resty.ffi"`;
}

it("without memfd_create a child process is served by other memory", async () => {
  expect(
    await lua.run(`${forbid("memfd_create")}
      local rt = assert(ngx.load_ffi(${JSON.stringify(METHODS)}, nil, { isolate = true, timeout = 60 }))
      local large = ("x"):rep(3000000)
      local ok, answer = rt:echo(large)
      local _, code = rt:crash()
      return ok, answer == large, code == resty_ffi.EXITED, rt:echo("restarted")`),
  ).toBe("true|true|true|true|restarted");
});

it("without eventfd the load says so", async () => {
  const text = `cannot load "${ECHO}": eventfd failed: Operation not permitted (EPERM)`;
  expect(
    await lua.run(`${forbid("eventfd2")}
      local _, thread = ngx.load_ffi(${JSON.stringify(ECHO)})
      local _, process = ngx.load_ffi(${JSON.stringify(ECHO)}, nil, { isolate = true })
      return thread, process`),
  ).toBe(`${text}|${text}`);
});
