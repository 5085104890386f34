import koffi from "koffi";

const TRIM_THRESHOLD = -1;
const MMAP_THRESHOLD = -3;
const MB = 1 << 20;

/**
 * Tells glibc to keep the memory of large requests for the next ones: taken anew from the kernel it would cost a page
 * fault for every 4 KB. V8 lets about 32 MB of them gather before it collects. Another C library decides for itself.
 */
export function keepFreedMemory(): void {
  try {
    const mallopt = koffi.load("libc.so.6").func("int mallopt(int option, int value)");
    mallopt(TRIM_THRESHOLD, 64 * MB);
    mallopt(MMAP_THRESHOLD, 4 * MB);
  } catch {
    // Not glibc.
  }
}
