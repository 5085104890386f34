/** The streams that console prints to; those that are pipes have a handle which can be told to wait. */
type Output = NodeJS.WriteStream & { _handle?: { setBlocking?(blocking: boolean): number } };

/**
 * What is printed has left the process when `write` returns, also if a `process.exit` or a `kill -9` follows. Node.js
 * would keep what does not fit into the pipe for later. The host empties the pipe all the time, so nobody waits long.
 */
export function printAtOnce(): void {
  for (const output of [process.stdout, process.stderr] as Output[]) output._handle?.setBlocking?.(true);
}
