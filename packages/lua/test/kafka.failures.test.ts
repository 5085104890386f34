import { type Manner, startHostileKafka } from "@resty-ffi/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KAFKA_ENV, kafkaPrelude } from "./support/kafka.ts";
import { type Lua, startLua } from "./support/lua.ts";
import { usageOf } from "./support/usage.ts";

let lua: Lua;
beforeAll(async () => {
  lua = await startLua({ env: KAFKA_ENV });
});
afterAll(() => lua?.stop());

/** Runs a chunk whose brokers are a server of that manner. */
async function against(manner: Manner, chunk: string): Promise<string> {
  const server = await startHostileKafka(manner);
  try {
    return await lua.run(kafkaPrelude(server.address) + chunk);
  } finally {
    await server.stop();
  }
}

describe.each([
  ["silent", "does not answer"],
  ["closing", "closed the connection"],
  ["garbage", "broker 127.0.0.1"],
  ["huge", "response size"],
  ["half", "closed the connection"],
] as const)("a broker that is %s", (manner, words) => {
  it("is the reason of every call that waits for it", async () => {
    const seen = await against(
      manner,
      `local calls = {
        function() return p:send("t", nil, "x", { timeout = 2 }) end,
        function() return p:send_all({ { topic = "t" } }, { timeout = 2 }) end,
        function() must(p:enqueue("t", nil, "x")) return p:flush({ timeout = 2 }) end,
      }
      local list = {}
      for k, call in ipairs(calls) do
        local ok, code, err
        for _ = 1, 10 do -- a busy machine may not have come to it in the time of one call
          ok, code, err = call()
          if code ~= -1 then break end
        end
        list[k] = tostring(ok) .. " " .. tostring(code) .. " " .. tostring(err)
      end
      return table.concat(list, "|")`,
    );
    for (const text of seen.split("|")) {
      expect(text).toMatch(/^false 1001 /);
      expect(text).toContain(words);
    }
  });

  it("is what a consumer tells, which tries on", async () => {
    const seen = await against(
      manner,
      `local c = consumer("g", { "t" })
      local ok, code, err
      for _ = 1, 20 do
        ok, code, err = c:recv(1)
        if code ~= -1 then break end
      end
      local again, number = c:recv(0.5)
      return kafka.UNREACHABLE, ok, code, again, number == -1 or number == 1001, c:close(), err`,
    );
    expect(seen).toMatch(/^1001\|false\|1001\|false\|true\|true\|/);
    expect(seen).toContain(words);
  });

  it("leaves nothing behind", async () => {
    const pid = await lua.run("return ngx.worker.pid()");
    const before = usageOf(pid).fds;
    await against(
      manner,
      `local short = assert(kafka.producer{ brokers = brokers, idle_timeout = 0.1, delivery_timeout = 1, client_id = "short" })
      short:send("t", nil, "x", { timeout = 0.5 })`,
    );
    await expect.poll(() => usageOf(pid).fds, { timeout: 60_000 }).toBeLessThanOrEqual(before + 4);
  });
});

it("a buffer that is full tells what keeps it from being sent", async () => {
  const seen = await against(
    "closing",
    `local full = assert(kafka.producer{ brokers = brokers, max_buffered = 1, delivery_timeout = 60, client_id = "full" })
    must(full:enqueue("t", nil, "x"))
    local ok, code, err
    for _ = 1, 200 do
      ok, code, err = full:enqueue("t", nil, "y")
      if not ok and err:find("closed the connection", 1, true) then break end
      ngx.sleep(0.1)
    end
    return ok, code, err`,
  );
  expect(seen).toMatch(
    /^false\|-3\|the producer's buffer is full \(option max_buffered\): broker .* closed the connection/,
  );
});
