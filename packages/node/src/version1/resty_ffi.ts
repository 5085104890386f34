/**
 * The result of `require("resty_ffi")` in a module that was written for lua-resty-ffi, also in its Workers: the three
 * functions of version 1. New code uses createRuntime of `@resty-ffi/node`.
 */
import { Buffer } from "node:buffer";
import koffi from "koffi";

const library = koffi.load(process.env.RESTY_FFI_LIB ?? "libresty_ffi.so");
const poll = library.func("uintptr_t ngx_http_lua_ffi_task_poll(uintptr_t tq)");
const getRequest = library.func("uintptr_t ngx_http_lua_ffi_get_req(uintptr_t task, _Out_ int *len)");
const answer = library.func("void ngx_http_lua_ffi_respond(uintptr_t task, int rc, uintptr_t rsp, int len)");
const malloc = koffi.load(null).func("uintptr_t malloc(size_t size)");

const bytesAt = (address: number | bigint, length: number): Buffer =>
  Buffer.from(koffi.view(BigInt(address), length) as ArrayBuffer);

/** Waits for a task and blocks the thread: call it in a Worker. Returns `0n` when the runtime is unloaded. */
export function poll_task(tq: bigint): bigint {
  return BigInt(poll(tq));
}

/** The request as text; `undefined` for nil. */
export function get_req(task: bigint): string | undefined {
  const length: [number] = [0];
  const request = getRequest(task, length);
  if (!request) return undefined;
  return length[0] === 0 ? "" : bytesAt(request, length[0]).toString("utf8");
}

/** Answers a task exactly once; `rc` is 0 or an error code. */
export function respond(task: bigint, rc: number, response?: string | Uint8Array | null): void {
  if (response === undefined || response === null) {
    answer(task, rc, 0, 0);
    return;
  }
  const bytes = typeof response === "string" ? Buffer.from(response) : response;
  const block = malloc(bytes.length + 1);
  if (!block) throw new Error("no memory for the response");
  const copy = bytesAt(block, bytes.length + 1);
  copy.set(bytes);
  copy[bytes.length] = 0; // a length of 0 means a C string
  answer(task, rc, block, bytes.length);
}
