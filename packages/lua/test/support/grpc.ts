import { join } from "node:path";
import { type Lua, type Settings, startLua } from "./lua.ts";
import { ROOT } from "./places.ts";

export const PROTOS = join(ROOT, "packages/services/protos");

/** What every chunk begins with: `grpc`, `connect(address, options)`, and `show(...)`, which makes text of any values. */
const PRELUDE = `
  local grpc = require "resty.ffi.grpc"
  local ffi = require "resty.ffi"
  local support = require "support.grpc"
  local connect, show = support.connect, support.show
  local P = "${PROTOS}/"
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
