/** A stream that console prints to. The handle of a pipe can be made blocking. */
type Output = NodeJS.WriteStream & { _handle?: { setBlocking?(blocking: boolean): number } };

/**
 * Makes output leave the process before `write` returns, even if `process.exit` or `kill -9` follows. By default
 * Node.js buffers what does not fit into the pipe. The host reads the pipe continuously, so a write does not block for
 * long.
 */
export function printAtOnce(): void {
  for (const output of [process.stdout, process.stderr] as Output[]) output._handle?.setBlocking?.(true);
}
