import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import koffi, { type LibraryHandle } from "koffi";

const FILE = "libresty_ffi.so";
/** The build in a checkout of resty-ffi; `src` and `dist` are both three folders below its root. */
const IN_CHECKOUT = fileURLToPath(new URL(`../../../native/dist/lib/${FILE}`, import.meta.url));

/** Finds libresty_ffi.so: the given path or folder, `RESTY_FFI_LIB`, the checkout, then dlopen's search path. */
function find(path: string | undefined): string {
  const asked = path ?? process.env.RESTY_FFI_LIB;
  if (asked) return existsSync(asked) && statSync(asked).isDirectory() ? join(asked, FILE) : resolve(asked);
  return existsSync(IN_CHECKOUT) ? IN_CHECKOUT : FILE;
}

/** The functions of libresty_ffi.so that a host calls. Addresses are numbers, since they are below 2^53. */
export type Native = ReturnType<typeof bind>;

/** `global`, because runtimes do not link the library: they find its functions in the program. */
export function bind(path?: string) {
  const file = find(path);
  let library: LibraryHandle;
  try {
    library = koffi.load(file, { global: true });
  } catch (error) {
    throw new Error(
      `${file} could not be loaded (${(error as Error).message}). Name its path in RESTY_FFI_LIB or in configure({ library }).`,
      { cause: error },
    );
  }
  const p = "uintptr_t";
  return {
    file,
    pullNew: library.func(`${p} resty_ffi_pull_new(void *error, size_t size)`),
    pullLoop: library.func(`${p} resty_ffi_pull_loop(${p} pull)`),
    pullFd: library.func(`int resty_ffi_pull_fd(${p} pull)`),
    pullRun: library.func(`int resty_ffi_pull_run(${p} pull, int timeout_ms)`),
    pullDone: library.func(`int resty_ffi_pull_done_n(${p} pull, void *out, int max)`),
    pullStream: library.func(`${p} resty_ffi_pull_stream(${p} pull, void *events)`),
    pullCallNew: library.func(`${p} resty_ffi_pull_call_new(${p} pull)`),
    pullCallFree: library.func(`void resty_ffi_pull_call_free(${p} call)`),
    pullLog: library.func(`int resty_ffi_pull_log(${p} pull, _Out_ const char **text, _Out_ size_t *len)`),
    pullClose: library.func(`void resty_ffi_pull_close(${p} pull, int timeout_ms)`),
    load: library.func(
      `${p} resty_ffi_runtime_load(${p} loop, const char *lib, void *cfg, size_t cfg_len, void *options, void *error, size_t error_size)`,
    ),
    wait: library.func(`int resty_ffi_runtime_wait(${p} rt, int timeout_ms, void *error, size_t error_size)`),
    unload: library.func(`void resty_ffi_runtime_unload(${p} rt)`),
    release: library.func(`void resty_ffi_runtime_release(${p} rt)`),
    stats: library.func(`void resty_ffi_runtime_stats(${p} rt, void *out)`),
    methodStats: library.func(`const char *resty_ffi_runtime_method_stats(${p} rt, uint32_t method, void *out)`),
    reload: library.func(`int resty_ffi_runtime_reload(${p} rt)`),
    reloadWait: library.func(
      `int resty_ffi_runtime_reload_wait(${p} rt, int timeout_ms, void *error, size_t error_size)`,
    ),
    timeout: library.func(`uint32_t resty_ffi_runtime_timeout(${p} rt)`),
    name: library.func(`const char *resty_ffi_runtime_name(${p} rt)`),
    method: library.func(`int resty_ffi_runtime_method(${p} rt, void *name, size_t len)`),
    explain: library.func(`const char *resty_ffi_runtime_explain(${p} rt, int status)`),
    callNew: library.func(`${p} resty_ffi_call_new(${p} loop)`),
    callFree: library.func(`void resty_ffi_call_free(${p} call)`),
    callSubmit: library.func(
      `int resty_ffi_call_submit(${p} rt, ${p} call, uint32_t method, void *data, uint64_t len, uint64_t timeout_ms)`,
    ),
    send: library.func(
      `int resty_ffi_runtime_send(${p} rt, uint32_t method, void *data, uint64_t len, uint64_t timeout_ms)`,
    ),
    callCancel: library.func(`void resty_ffi_call_cancel(${p} call, int status)`),
    callRelease: library.func(`void resty_ffi_call_release(${p} call)`),
    streamOpen: library.func(
      `int resty_ffi_stream_open(${p} rt, ${p} call, uint32_t method, void *data, uint64_t len, bool end, uint64_t timeout_ms)`,
    ),
    streamSend: library.func(`int resty_ffi_stream_send(${p} call, void *data, uint64_t len, bool end)`),
    streamNext: library.func(`int resty_ffi_stream_next(${p} call)`),
    /** Copies an answer in one foreign call; a view of each answer would also cost a finaliser. */
    copy: koffi.load(null).func(`void memcpy(void *to, ${p} from, size_t len)`),
  };
}

/** The C string in a buffer. */
export function cString(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end < 0 ? bytes.length : end);
}
