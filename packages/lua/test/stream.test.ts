import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Lua, startLua } from "./support/lua.ts";
import { ECHO, METHODS } from "./support/places.ts";

let lua: Lua;
beforeAll(async () => {
  lua = await startLua();
});
afterAll(() => lua.stop());

/** Runs a chunk that knows `ffi`, `rt` (over `transport`) and `open(method, first, opts)`. */
function run(chunk: string, transport = "thread"): Promise<string> {
  return lua.run(`
    local ffi = require "resty.ffi"
    local rt = assert(ngx.load_ffi(${JSON.stringify(METHODS)}, "streams ${transport}",
                                   { isolate = ${transport === "process"}, timeout = 2 }))
    local function open(...)
      local stream, code, err = ffi.stream(rt, ...)
      if not stream then error(code .. " " .. err) end
      return stream
    end
    local function all(stream)
      local list = {}
      while true do
        local ok, message, err = stream:recv()
        if not ok then list[#list + 1] = message .. " " .. err end
        if not ok or not message then return table.concat(list, " ") end
        list[#list + 1] = message
      end
    end
    ${chunk}`);
}

/** Until the runtime has no stream any more, and stats no call. */
async function expectNothingLeft(transport = "thread"): Promise<void> {
  const left = () => run("return select(2, rt:streams()), ffi.stats(rt).in_flight", transport);
  await expect.poll(left).toBe("0|0");
}

describe.each(["thread", "process"])("a stream over the transport %s", (transport) => {
  it("brings messages in order, then its end, again and again", async () => {
    expect(
      await run(
        `local s = open("count", 5)
         local list = all(s)
         return list, s:recv()`,
        transport,
      ),
    ).toBe("0 1 2 3 4|true|nil");
    await expectNothingLeft(transport);
  });

  it("takes messages until its sender closes", async () => {
    expect(
      await run(
        `local s = open("sum")
         for n = 1, 3000 do assert(s:send(n)) end
         local closed = s:close_send()
         return closed, all(s)`,
        transport,
      ),
    ).toBe("true|4501500");
    await expectNothingLeft(transport);
  });

  it("talks both ways, with messages of all sizes", async () => {
    expect(
      await run(
        `local s = open("chat", "first")
         local seen = select(2, s:recv()) == "first"
         for _, size in ipairs { 0, 1, 63, 64, 4096, 65536, 1048576, 5000000 } do
           local sent = ("x"):rep(size)
           assert(s:send(sent))
           local ok, got = s:recv()
           seen = seen and ok and got == sent
         end
         s:close_send()
         return seen, s:recv()`,
        transport,
      ),
    ).toBe("true|true|nil");
    await expectNothingLeft(transport);
  });

  it("fails in the middle, after what was sent before", async () => {
    expect(await run(`return all(open("failstream", 3))`, transport)).toBe("0 1 2 7 mid-stream");
    await expectNothingLeft(transport);
  });

  it("makes its runtime wait while Lua does not read, and loses nothing", async () => {
    expect(
      await run(
        `local s, count = open("flood", 200), 0
         while true do
           local ok, message = s:recv()
           if not message then return ok, count end
           count = count + (#message == 65536 and message:byte(65536) == 65535 % 251 and 1 or 0)
           if count % 50 == 0 then ngx.sleep(0.01) end
         end`,
        transport,
      ),
    ).toBe("true|200");
    await expectNothingLeft(transport);
  });
});

describe("waiting", () => {
  it("for a message ends in time, and the stream is as before", async () => {
    expect(
      await run(`
        local s = open("chat")
        local ok, code, err = s:recv(0.05)
        s:send("still here")
        return ok, code == ffi.TIMEOUT, err, s:recv()`),
    ).toBe(
      'false|true|timeout: runtime "libffi_c_methods.so" sent no message within 0.05 s; the stream is still open|true|still here',
    );
  });

  it("for a message goes on as long as it takes, if that is wanted", async () => {
    expect(
      await run(`
        local s = open("chat")
        local waiting = ngx.thread.spawn(function() return s:recv(math.huge) end)
        ngx.sleep(2.2)
        s:send("longer than the runtime's timeout")
        return select(2, ngx.thread.wait(waiting))`),
    ).toBe("true|longer than the runtime's timeout");
  });

  it("for ever ends with the stream: at its deadline, or when it is closed", async () => {
    expect(
      await run(`
        local late = open("chat", nil, { timeout = 0.2 })
        local ok, code = late:recv(math.huge)
        local s = open("chat")
        local waiting = ngx.thread.spawn(function() return s:recv(math.huge) end)
        ngx.sleep(0.01)
        s:close()
        local _, closed, how = ngx.thread.wait(waiting)
        return ok, code == ffi.TIMEOUT, closed, how ~= ffi.TIMEOUT`),
    ).toBe("false|true|false|true");
  });

  it("for a window ends in time", async () => {
    expect(
      await run(`
        local s = open("deaf")
        local sent = 0
        while true do
          local ok, code, err = s:send(("x"):rep(65536), 0.05)
          if not ok then return sent, code == ffi.TIMEOUT, err end
          sent = sent + 1
        end`),
    ).toBe('4|true|timeout: runtime "libffi_c_methods.so" took no message within 0.05 s; the stream is still open');
    await expectNothingLeft();
  });

  it("ends at the deadline of the stream", async () => {
    expect(
      await run(`
        local s = open("deaf", nil, { timeout = 0.1 })
        local begin = ngx.now()
        local ok, code, err = s:recv(5)
        ngx.update_time()
        local took = ngx.now() - begin
        return ok, code == ffi.TIMEOUT, err, took >= 0.09 and took < 1 or took`),
    ).toBe('false|true|timeout: the stream of runtime "libffi_c_methods.so" did not end before its deadline|true');
    await expectNothingLeft();
  });

  it("is for several light threads at once: one sends, one receives", async () => {
    expect(
      await run(`
        local s = open("chat")
        local sender = ngx.thread.spawn(function()
          for _ = 1, 300 do assert(s:send(("m"):rep(10000))) end
          return s:close_send()
        end)
        local bytes = 0
        while true do
          local ok, message = s:recv()
          if not message then break end
          bytes = bytes + #message
        end
        return bytes, ngx.thread.wait(sender)`),
    ).toBe("3000000|true|true");
  });

  it("gives each of several that wait one of the messages that come together", async () => {
    expect(
      await run(
        `local s = open("chat", "first")
         assert(s:recv())
         local threads, got, begin = {}, {}, ngx.now()
         for k = 1, 5 do threads[k] = ngx.thread.spawn(function() return select(2, s:recv(20)) end) end
         for k = 1, 5 do assert(s:send("message " .. k)) end
         for k = 1, 5 do got[k] = tostring((select(2, ngx.thread.wait(threads[k])))) end
         s:close()
         table.sort(got)
         ngx.update_time()
         return table.concat(got, ","), ngx.now() - begin < 10`,
      ),
    ).toBe("message 1,message 2,message 3,message 4,message 5|true");
    await expectNothingLeft();
  });

  it("of several that receive ends for each", async () => {
    expect(
      await run(`
        local s = open("count", 100)
        local function count()
          local n = 0
          while true do
            local ok, message = s:recv()
            if not message then return ok and n end
            n = n + 1
            ngx.sleep(0)
          end
        end
        local threads, total = {}, 0
        for k = 1, 4 do threads[k] = ngx.thread.spawn(count) end
        for k = 1, 4 do total = total + select(2, ngx.thread.wait(threads[k])) end
        return total`),
    ).toBe("100");
  });
});

describe("the end of a stream", () => {
  it("is told to one that sends", async () => {
    expect(
      await run(`
        local s = open("failstream", 0)
        local first, code, err = s:recv()
        return first, code, err, s:send("x")`),
    ).toBe(
      'false|7|mid-stream|false|-8|the stream of runtime "libffi_c_methods.so" has ended: recv returns the reason',
    );
  });

  it("comes with close: the handler is cancelled, nothing else can be done with it", async () => {
    expect(
      await run(`
        local before = tonumber((select(2, rt:cancelled())))
        local s = open("chat", "x")
        s:recv()
        local once, twice = s:close(), s:close()
        local r, sent, c = { s:recv() }, { s:send("x") }, { s:close_send() }
        ngx.sleep(0.05)
        return once, twice, r[2], sent[2], c[2], r[3], tonumber((select(2, rt:cancelled()))) - before`),
    ).toBe('true|true|-8|-8|-8|the stream of runtime "libffi_c_methods.so" is closed|1');
    await expectNothingLeft();
  });

  it("wakes one that waits, when another closes it", async () => {
    expect(
      await run(`
        local s = open("chat")
        local reader = ngx.thread.spawn(function() return s:recv(10) end)
        ngx.sleep(0.02)
        s:close()
        return select(2, ngx.thread.wait(reader))`),
    ).toMatch(/^false\|-8\|the stream of runtime ".*" is closed$/);
    await expectNothingLeft();
  });

  it("comes when the request ends, though the stream was not closed", async () => {
    await run(`open("chat", "x") ffi.kept = open("deaf")`);
    await expectNothingLeft();
    expect(await run("return ffi.kept:recv()")).toBe(
      "false|-2|cancelled: the request that opened the stream has ended",
    );
  });

  it("comes when its timer ends, though the stream was not closed", async () => {
    await run(`ngx.timer.at(0, function() open("chat", "x") ffi.timed = open("deaf") end) ngx.sleep(0.05)`);
    await expectNothingLeft();
    expect(await run("return ffi.timed:recv()")).toBe(
      "false|-2|cancelled: the request that opened the stream has ended",
    );
  });

  it("comes when the light thread that waits for it is killed", async () => {
    expect(
      await run(`
        local s = open("deaf")
        local reader = ngx.thread.spawn(function() return s:recv(10) end)
        ngx.sleep(0.02)
        ngx.thread.kill(reader)
        for _ = 1, 100 do
          if select(2, rt:streams()) == "0" then break end
          ngx.sleep(0.05)
        end
        return select(2, rt:streams()), s:recv()`),
    ).toBe("0|false|-2|cancelled: the light thread that waited for the stream was killed");
  });

  it("comes when it is garbage", async () => {
    expect(
      await run(`
        for _ = 1, 20 do open("deaf") end
        collectgarbage() collectgarbage()
        for _ = 1, 100 do
          if select(2, rt:streams()) == "0" then return "none" end
          ngx.sleep(0.05)
        end`),
    ).toBe("none");
  });

  it("leaves nothing of 10,000 that are cancelled half-way", async () => {
    expect(
      await run(`
        local function resident()
          for line in io.lines("/proc/self/status") do
            local kb = line:match("^VmRSS:%s+(%d+)")
            if kb then return tonumber(kb) end
          end
        end
        local function some(n)
          for k = 1, n do
            local s = open(k % 2 == 0 and "flood" or "chat", 10)
            if k % 3 > 0 then assert(s:recv()) end
            s:close()
          end
          collectgarbage() collectgarbage()
        end
        some(2000)
        local before = resident()
        some(10000)
        local more = resident() - before
        return more < 8000 or more`),
    ).toBe("true");
    await expectNothingLeft();
  });
});

describe("a stream that cannot be", () => {
  it("of a runtime that only answers brings one message", async () => {
    expect(
      await lua.run(`
        local ffi = require "resty.ffi"
        local rt = assert(ngx.load_ffi(${JSON.stringify(ECHO)}))
        local s = ffi.stream(rt, "echo", "hello")
        local ok, message = s:recv()
        return ok, message, s:recv()`),
    ).toBe("true|hello|true|nil");
  });

  it.each([
    ['ffi.stream({}, "chat")', "not a runtime: expected what ngx.load_ffi returned, got a table"],
    ['ffi.stream(rt, "")', "a method name has 1 to 127 bytes"],
    ["ffi.stream(rt, {})", "a method name has 1 to 127 bytes"],
    ['ffi.stream(rt, "chat", {})', "a message must be a string, not a table"],
    ['ffi.stream(rt, "chat", "x", { timeout = -1 })', 'the option "timeout" must be a number of seconds above 0'],
    ['ffi.stream(rt, "chat", "x", 5)', "the options must be a table, not a number"],
  ])("%s", async (expression, message) => {
    const answer = await run(`return ${expression}`);
    expect(answer).toMatch(/^nil\|-10\|/);
    expect(answer).toContain(message);
  });

  it.each([
    ["s:send()", "a message must be a string, not a nil"],
    ["s:send({})", "a message must be a string, not a table"],
    ['s:send("x", 0)', 'the option "timeout" must be'],
    ['s:recv("1")', "must be a number of seconds above 0 and up to 2000000, or math.huge"],
    ["s:recv(0)", 'the option "timeout" must be'],
    ["s:recv(-math.huge)", 'the option "timeout" must be'],
    ["s:recv(0 / 0)", 'the option "timeout" must be'],
  ])("%s", async (expression, message) => {
    const answer = await run(`local s = open("chat") return ${expression}`);
    expect(answer).toMatch(/^false\|-10\|bad argument for runtime "libffi_c_methods\.so": /);
    expect(answer).toContain(message);
  });

  it("of a message above the limit is refused, and goes on", async () => {
    expect(
      await run(`
        local s = open("chat")
        local ok, code = s:send(("x"):rep(130 * 1024 * 1024))
        s:send("small")
        return ok, code == ffi.TOO_LARGE, s:recv(60)`),
    ).toBe("false|true|true|small");
  });

  it("where nginx cannot wait says so", async () => {
    const phases = await startLua({
      http: `
        init_worker_by_lua_block {
          require "resty.ffi"
          rt = assert(ngx.load_ffi(${JSON.stringify(METHODS)}))
          local s, code, err = require("resty.ffi").stream(rt, "chat")
          answer = tostring(s) .. "|" .. tostring(code) .. "|" .. tostring(err)
        }`,
    });
    try {
      expect(await phases.run("return answer")).toMatch(/^nil\|-9\|bad phase: a stream of runtime .*cannot be used in/);
    } finally {
      await phases.stop();
    }
  });
});
