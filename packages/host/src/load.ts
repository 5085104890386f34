import { Buffer } from "node:buffer";
import { RestyFfiError, Status } from "@resty-ffi/error";
import { FOREVER } from "./abi.js";
import { encode } from "./encode.js";
import { currentHost, type Host } from "./host.js";
import { cString } from "./library.js";
import { type CallOptions, checkLoadOptions, type LoadOptions, type SendOptions, shown } from "./options.js";
import type { Request } from "./request.js";
import { Loaded, type Method } from "./runtime.js";
import type { MethodStats, Stats } from "./stats.js";
import type { Stream } from "./stream.js";

/**
 * A runtime. Each of its properties is a method of that name, except `then`: `await` would take the runtime for a
 * promise. Call a method named `then` by {@link call}.
 *
 * Name the methods to type them: `load<"echo" | "lookup">(…)`.
 */
export type Runtime<Methods extends string = string> = { readonly [Name in Methods]: Method };

const loaded = new WeakMap<object, Loaded>();

/** Releases the core's handle of a runtime when neither the runtime nor a call of it is reachable any more. */
const handles = new FinalizationRegistry(({ host, address }: { host: Host; address: number }) => {
  if (!host.closed) host.native.release(address);
});

const traps: ProxyHandler<Record<string, Method>> = {
  get(methods, name, runtime) {
    if (typeof name === "symbol" || name === "then") return undefined;
    methods[name] ??= (request, options) => find(runtime).call(name, request, options);
    return methods[name];
  },
  has: (_methods, name) => typeof name === "string" && name !== "then",
  set(_methods, name) {
    throw new TypeError(`The methods of a runtime cannot be replaced ("${String(name)}").`);
  },
};

function find(runtime: object): Loaded {
  const found = loaded.get(runtime);
  if (!found) throw new TypeError("This is not a runtime: pass what load() returned.");
  return found;
}

/**
 * Loads a runtime and waits until it serves. If a runtime of the same library and configuration is loaded already, it
 * returns that runtime; the given options must then be those of the first load.
 *
 * @param lib a path, or a name (`ffi_go_echo`) that is looked up in `LD_LIBRARY_PATH`, beside libresty_ffi.so and in
 *   the system's folders
 * @param cfg the configuration string; for loaders (`ffi_python3`, `ffi_java`, `ffi_nodejs`) `module,func,cfg`
 * @throws RestyFfiError with code `BAD_ARGUMENT` (refused), `EXITED` (failed to start) or `TIMEOUT` (`loadTimeout`)
 * @throws TypeError, RangeError for invalid arguments
 *
 * @example
 * ```ts
 * const rt = await load<"echo">("ffi_go_echo");
 * const answer = await rt.echo("hello"); // a Buffer
 * ```
 */
export async function load<Methods extends string = string>(
  lib: string,
  cfg?: string | null,
  options: LoadOptions = {},
): Promise<Runtime<Methods>> {
  checkLoadOptions(options);
  if (typeof lib !== "string" || lib.includes("\0")) {
    throw new TypeError(`load: the library must be a name or a path, not ${shown(lib)}`);
  }
  if (cfg !== undefined && cfg !== null && typeof cfg !== "string") {
    throw new TypeError(`load: the configuration must be a string or null, not ${shown(cfg)}`);
  }
  const host = currentHost();
  const address = begin(host, lib, cfg ?? null, options);
  host.hold();
  try {
    await started(host, lib, address);
  } catch (error) {
    if (!host.closed) host.native.release(address);
    throw error;
  } finally {
    host.release();
  }
  const timeout = host.native.timeout(address);
  const own = new Loaded(host, address, timeout === FOREVER ? 0 : timeout);
  handles.register(own, { host, address });
  const runtime = new Proxy(Object.create(null) as Record<string, Method>, traps);
  loaded.set(runtime, own);
  return runtime as Runtime<Methods>;
}

function begin(host: Host, lib: string, cfg: string | null, options: LoadOptions): number {
  const error = Buffer.alloc(2048);
  // One extra byte, so that an empty configuration has an address too.
  const bytes = cfg === null ? null : Buffer.from(`${cfg}\0`);
  const address = host.native.load(
    host.loop,
    lib,
    bytes,
    bytes ? bytes.length - 1 : 0,
    encode(options),
    error,
    error.length,
  );
  host.run();
  if (!address) throw new RestyFfiError(cString(error), Status.BAD_ARGUMENT);
  return address;
}

async function started(host: Host, lib: string, address: number): Promise<void> {
  const error = Buffer.alloc(2048);
  for (;;) {
    if (host.closed) throw new RestyFfiError(`cannot load "${lib}": the host was closed`, Status.EXITED);
    const state = host.native.wait(address, 0, error, error.length);
    host.run();
    if (state > 0) return;
    if (state < 0) throw new RestyFfiError(cString(error), state === -2 ? Status.TIMEOUT : Status.EXITED);
    await host.activity(20);
  }
}

/** Calls a method by its name: the same as `rt.name(request, options)`, for names that are not known in advance. */
export function call(
  runtime: Runtime<never>,
  method: string,
  request?: Request,
  options?: CallOptions,
): Promise<Buffer | null> {
  return find(runtime).call(method, request, options);
}

/**
 * Sends a one-way call, which has no answer. A failure of the handler is logged and counted.
 *
 * @throws RestyFfiError if the call was not sent, for example with `QUEUE_FULL`
 */
export function send(runtime: Runtime<never>, method: string, request?: Request, options: SendOptions = {}): void {
  find(runtime).send(method, request, options);
}

/**
 * Opens a method as a stream of messages; `first` is the first message. Unlike a plain call it has no default
 * `timeout`; a given one is for the whole stream.
 *
 * @throws RestyFfiError if the stream could not be opened; later failures are thrown by the functions of the stream
 *
 * @example
 * ```ts
 * for await (const tick of stream(rt, "ticks", "3", { signal })) console.log(String(tick));
 * ```
 */
export function stream(runtime: Runtime<never>, method: string, first?: Request, options: CallOptions = {}): Stream {
  return find(runtime).stream(method, first, options);
}

/**
 * Starts a new instance of the runtime's code beside the old one. New calls go to the new instance once it serves; the
 * old one ends when its calls are done, or after `drainTimeout`. If the language cannot load code twice in one process,
 * the new instance runs in a process of its own.
 *
 * @throws RestyFfiError if the new instance did not start; the old one continues
 */
export function reload(runtime: Runtime<never>): Promise<void> {
  return find(runtime).reload();
}

/**
 * Ends a runtime: new calls fail with `UNLOADED`, calls in flight finish, then its threads or processes end. The same
 * library and configuration can be loaded again immediately.
 */
export function unload(runtime: Runtime<never>): void {
  find(runtime).unload();
}

/** The counters of a runtime. */
export function stats(runtime: Runtime<never>): Stats {
  return find(runtime).stats();
}

/** The counters of each method that has been called, by its name. */
export function methodStats(runtime: Runtime<never>): Map<string, MethodStats> {
  return find(runtime).methodStats();
}

/** The name of a runtime in messages and log lines. */
export function nameOf(runtime: Runtime<never>): string {
  return find(runtime).name;
}
