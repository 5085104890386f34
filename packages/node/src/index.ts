/**
 * Write runtimes for resty-ffi in TypeScript or JavaScript: functions that stock nginx calls from Lua
 * without blocking its event loop.
 *
 * ```ts
 * import { createRuntime } from "@resty-ffi/node";
 *
 * export const app = createRuntime().method("echo", (request) => request);
 * ```
 *
 * ```lua
 * local rt = ngx.load_ffi("ffi_nodejs", "/srv/app.mjs,app,")
 * local ok, res = rt:echo("hello")
 * ```
 *
 * @module
 */
export { RestyFfiError, Status } from "@resty-ffi/error";
export type { Call } from "./call.js";
export { parseConfig } from "./config.js";
export type { Dict, TimeToLive } from "./dict.js";
export type { Log } from "./log.js";
export { type Answer, createRuntime, type Handler, type Runtime } from "./runtime.js";
export type { Message, Requests, StreamHandler } from "./stream.js";
