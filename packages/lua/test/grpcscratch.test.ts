import { readFileSync } from "node:fs";
import { startGrpcServer } from "@resty-ffi/services";
import { it } from "vitest";
import { startGrpcLua } from "./support/grpc.ts";

it("smoke", async () => {
  const server = await startGrpcServer();
  const lua = await startGrpcLua();
  const make = (from: number, to: number) =>
      lua.run(`
        assert(grpc.loadfile(P .. "echo.proto"))
        local failed
        local function work(first)
          for k = first, ${to}, 16 do
            local conn = connect("${server.address}", { idle_timeout = 0.2, metadata = { ["x-k"] = tostring(k) } })
            local ok, code, err = conn:unary("/grpc.examples.echo.Echo/UnaryEcho", { message = "m" })
            if not ok then failed = code .. " " .. err end
          end
        end
        local threads = {}
        for k = 1, 16 do threads[k] = ngx.thread.spawn(work, ${from} + k - 1) end
        for k = 1, 16 do ngx.thread.wait(threads[k]) end
        collectgarbage() collectgarbage()
        return ngx.worker.pid(), collectgarbage("count"), failed`);
  for (let k = 0; k < 6; k++) {
    const out = await make(k * 5000 + 1, (k + 1) * 5000);
    await new Promise((r) => setTimeout(r, 1500));
    const s = readFileSync(`/proc/${out.split("|")[0]}/status`, "utf8");
    console.log(out, /VmRSS.*/.exec(s)?.[0], /Threads.*/.exec(s)?.[0], (await server.stats()).connections);
  }
  await lua.stop();
  await server.stop();
}, 200_000);
