import koffi from "koffi";

const TRIM_THRESHOLD = -1;
const MMAP_THRESHOLD = -3;
const MB = 1 << 20;

/**
 * Makes glibc keep the memory of large requests for later requests: new memory from the kernel costs a page fault for
 * every 4 KB. V8 collects such requests when about 32 MB of them have accumulated. Other C libraries keep their
 * defaults.
 */
export function keepFreedMemory(): void {
  try {
    const mallopt = koffi.load("libc.so.6").func("int mallopt(int option, int value)");
    mallopt(TRIM_THRESHOLD, 64 * MB);
    mallopt(MMAP_THRESHOLD, 4 * MB);
  } catch {
    // The C library is not glibc.
  }
}
