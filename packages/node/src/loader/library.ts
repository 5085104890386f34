import { Buffer, constants } from "node:buffer";
import koffi from "koffi";

/** This process's end of its queue, with the functions of libresty_ffi.so for it. */
export interface Queue {
  readonly name: string;
  readonly config: string | null;
  readonly abi: number;
  /** The `tq` of version 1. */
  readonly address: bigint;
  /** Readable while frames wait, level-triggered. */
  readonly descriptor: number;
  /** All payload memory, and its start address. */
  readonly memory: ArrayBuffer;
  readonly memoryAddress: number;
  /** Takes frames without waiting. Returns their number, or a negative number once the runtime must end. */
  poll(frames: Uint8Array, max: number): number;
  send(frames: Uint8Array, n: number): void;
  free(payload: bigint): void;
  method(number: number): string;
  ready(): void;
  fail(text: string): void;
  /** Tells the host whether work remains at the end. Returns the time for it in ms. */
  finish(busy: boolean): number;
  close(): void;
}

/**
 * Loads the library that the host's runner names, and attaches to the queue.
 *
 * @throws Error if no host started this process
 */
export function attach(path: string | undefined): Queue {
  if (!path) {
    throw new Error(
      "RESTY_FFI_LIB is not set: this program is started by a host (nginx, Node.js) that loads libffi_nodejs.so.",
    );
  }
  const library = koffi.load(path, { global: true }); // for addons that were linked for lua-resty-ffi
  // Pointers are numbers: they are below 2^53, and koffi converts numbers fastest.
  const reason: [string | null] = [null];
  const q: number = library.func("uintptr_t resty_ffi_attach(_Out_ const char **error)")(reason);
  if (!q) throw new Error(reason[0] ?? "resty_ffi_attach failed without a reason.");

  const length: [number] = [0];
  const memoryAddress: number = library.func("uintptr_t resty_ffi_memory(uintptr_t q, _Out_ size_t *len)")(q, length);
  if (length[0] > constants.MAX_LENGTH) {
    // A larger view would abort the process.
    throw new Error(
      `The queue's memory of ${length[0]} bytes is more than Node.js ${process.version} can view ` +
        `(${constants.MAX_LENGTH} bytes); use a newer Node.js (RESTY_FFI_NODE).`,
    );
  }

  const poll = library.func("int resty_ffi_poll(uintptr_t q, void *out, int max, int timeout_ms)");
  const send = library.func("int resty_ffi_send(uintptr_t q, void *in, int n)");
  const free = library.func("void resty_ffi_free(uintptr_t q, uintptr_t data)");
  const method = library.func("const char *resty_ffi_method(uintptr_t q, uint32_t method, void *len)");
  const ready = library.func("void resty_ffi_ready(uintptr_t q)");
  const fail = library.func("void resty_ffi_fail(uintptr_t q, void *text, size_t len)");
  const finish = library.func("int resty_ffi_finish(uintptr_t q, int busy)");
  const close = library.func("void resty_ffi_close(uintptr_t q)");
  return {
    name: library.func("const char *resty_ffi_name(uintptr_t q)")(q),
    config: library.func("const char *resty_ffi_config(uintptr_t q, void *len)")(q, null),
    abi: library.func("int resty_ffi_abi()")(),
    address: BigInt(q),
    descriptor: library.func("int resty_ffi_fd(uintptr_t q, int level)")(q, 1),
    memory: koffi.view(BigInt(memoryAddress), length[0]),
    memoryAddress,
    poll: (frames, max) => poll(q, frames, max, 0),
    send: (frames, n) => send(q, frames, n),
    free: (payload) => free(q, payload),
    method: (number) => method(q, number, null) ?? `#${number}`,
    ready: () => ready(q),
    fail: (text) => {
      const bytes = Buffer.from(text);
      fail(q, bytes, bytes.length);
    },
    finish: (busy) => finish(q, busy ? 1 : 0),
    close: () => close(q),
  };
}
