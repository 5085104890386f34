import { join } from "node:path";
import { type Lua, type Settings, startLua } from "./lua.ts";
import { ROOT } from "./places.ts";

export const PROTOS = join(ROOT, "packages/services/protos");

/** What every chunk begins with: `grpc`, `connect(address, options)`, and `show(...)`, which makes text of any values. */
const PRELUDE = `
  local grpc = require "resty.ffi.grpc"
  local ffi = require "resty.ffi"
  local P = "${PROTOS}/"
  local function connect(...)
    local ok, conn, err = grpc.connect(...)
    return ok and conn or error(err, 2)
  end
  local function text(v)
    if type(v) == "string" then
      return (("%q"):format(v):gsub("[^\\32-\\126]", function(c) return "\\\\" .. c:byte() end))
    elseif v == ngx.null then
      return "null"
    elseif type(v) ~= "table" then
      return tostring(v)
    end
    local keys, list = {}, {}
    for k in pairs(v) do keys[#keys + 1] = k end
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
    for k, key in ipairs(keys) do
      list[k] = (type(key) == "number" and v[1] ~= nil and "" or tostring(key) .. "=") .. text(v[key])
    end
    return "{" .. table.concat(list, ",") .. "}"
  end
  local function show(...)
    local t = {}
    for k = 1, select("#", ...) do t[k] = text((select(k, ...))) end
    return table.concat(t, " ")
  end
`;

/** An nginx whose chunks know resty.ffi.grpc. */
export async function startGrpcLua(settings: Settings = {}): Promise<Lua> {
  const lua = await startLua({
    ...settings,
    env: { LD_LIBRARY_PATH: join(ROOT, "runtimes/rust/dist"), ...settings.env },
  });
  return { ...lua, run: (chunk) => lua.run(PRELUDE + chunk) };
}

/** For how long something is asked for that is expected to come. */
export const SOON = { timeout: 20_000 };
