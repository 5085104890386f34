/**
 * Loads runtimes of resty-ffi into a Node.js program and calls them without blocking the event loop: libraries written
 * in Go, Rust, Python, Java, C or Node.js itself.
 *
 * @packageDocumentation
 */
export { RestyFfiError, Status } from "@resty-ffi/error";
export * from "./codes.js";
export { close, configure, type Settings } from "./host.js";
export { call, load, methodStats, nameOf, type Runtime, reload, send, stats, stream, unload } from "./load.js";
export type { LogHandler, LogLevel } from "./log.js";
export type { CallOptions, Limits, LoadOptions, SendOptions } from "./options.js";
export type { Request } from "./request.js";
export type { Method } from "./runtime.js";
export type { ErrorKind, MethodStats, Stats } from "./stats.js";
export type { Stream } from "./stream.js";
