import { readFileSync } from "node:fs";
import { join } from "node:path";
import { folderOf } from "@resty-ffi/scripts/processes";
import type { Service } from "@resty-ffi/services";

/** Of a batch before its length, in bytes, and the length itself. */
const BEFORE_LENGTH = 8;
const LENGTH = 4;

/** How the broker keeps a partition: what its batches take, in bytes, in the order of their offsets. */
export function batchesOf(kafka: Service, topic: string, partition = 0): number[] {
  const log = readFileSync(join(folderOf(kafka.pid), `data/${topic}-${partition}/00000000000000000000.log`));
  const sizes: number[] = [];
  for (let at = 0; at + BEFORE_LENGTH + LENGTH <= log.length; ) {
    const size = BEFORE_LENGTH + LENGTH + log.readInt32BE(at + BEFORE_LENGTH);
    // A file may be longer than what is written.
    if (size === BEFORE_LENGTH + LENGTH) break;
    sizes.push(size);
    at += size;
  }
  return sizes;
}
