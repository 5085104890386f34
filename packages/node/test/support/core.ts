import koffi from "koffi";
import { restyFfi } from "./paths.js";

/** The functions of libresty_ffi.so that the host of the tests calls. */
export type Core = ReturnType<typeof bind>;

export function bind() {
  const library = koffi.load(restyFfi());
  const p = "uintptr_t";
  return {
    start: library.func(`${p} resty_ffi_pull_new(void *error, size_t size)`),
    loop: library.func(`${p} resty_ffi_pull_loop(${p} pull)`),
    descriptor: library.func(`int resty_ffi_pull_fd(${p} pull)`),
    run: library.func(`int resty_ffi_pull_run(${p} pull, int timeout_ms)`),
    done: library.func(`${p} resty_ffi_pull_done(${p} pull)`),
    stream: library.func(`${p} resty_ffi_pull_stream(${p} pull, void *events)`),
    log: library.func(`int resty_ffi_pull_log(${p} pull, _Out_ const char **text, _Out_ size_t *len)`),
    close: library.func(`void resty_ffi_pull_close(${p} pull, int timeout_ms)`),
    load: library.func(
      `${p} resty_ffi_runtime_load(${p} loop, const char *lib, const char *cfg, size_t cfg_len, void *options, void *error, size_t error_size)`,
    ),
    wait: library.func(`int resty_ffi_runtime_wait(${p} rt, int timeout_ms, void *error, size_t error_size)`),
    unload: library.func(`void resty_ffi_runtime_unload(${p} rt)`),
    method: library.func(`int resty_ffi_runtime_method(${p} rt, const char *name, size_t len)`),
    reload: library.func(`int resty_ffi_runtime_reload(${p} rt)`),
    reloadWait: library.func(
      `int resty_ffi_runtime_reload_wait(${p} rt, int timeout_ms, void *error, size_t error_size)`,
    ),
    explain: library.func(`const char *resty_ffi_runtime_explain(${p} rt, int status)`),
    newCall: library.func(`${p} resty_ffi_call_new(${p} loop)`),
    submit: library.func(
      `int resty_ffi_call_submit(${p} rt, ${p} call, uint32_t method, void *data, uint64_t len, uint64_t timeout_ms)`,
    ),
    cancel: library.func(`void resty_ffi_call_cancel(${p} call, int status)`),
    freeCall: library.func(`void resty_ffi_call_free(${p} call)`),
    newStream: library.func(`${p} resty_ffi_pull_call_new(${p} pull)`),
    freeStream: library.func(`void resty_ffi_pull_call_free(${p} call)`),
    open: library.func(
      `int resty_ffi_stream_open(${p} rt, ${p} call, uint32_t method, void *data, uint64_t len, bool end, uint64_t timeout_ms)`,
    ),
    send: library.func(`int resty_ffi_stream_send(${p} call, void *data, uint64_t len, bool end)`),
    next: library.func(`int resty_ffi_stream_next(${p} call)`),
  };
}
