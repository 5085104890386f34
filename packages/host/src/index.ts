/**
 * Runtimes of resty-ffi in a Node.js program: libraries written in Go, Rust, Python, Java, C or Node.js itself, called
 * without blocking the event loop.
 *
 * @packageDocumentation
 */
export * from "./codes.js";
export { RestyFfiError } from "./error.js";
export { close, configure, type Settings } from "./host.js";
export { call, load, nameOf, type Runtime, stats, unload } from "./load.js";
export type { LogHandler, LogLevel } from "./log.js";
export type { CallOptions, LoadOptions } from "./options.js";
export type { Method, Request, Stats } from "./runtime.js";
