import { z } from "zod";

/** One key, all that begin with it, or those from it up to `range_end`. */
export const Keys = z
  .strictObject({ key: z.string(), prefix: z.boolean().optional(), range_end: z.string().optional() })
  .refine(({ prefix, range_end }) => !prefix || range_end === undefined, {
    message: 'either "prefix" or "range_end" may be given, not both',
  });

/** The keys as etcd counts them: from `key`, before `range_end`, or that key alone. */
export function keysOf({ key, prefix, range_end }: z.infer<typeof Keys>): { key: Buffer; range_end?: Buffer } {
  const from = Buffer.from(key);
  if (prefix) return { key: from.length > 0 ? from : ALL, range_end: after(from) };
  // An end that is there but empty would mean all that follow.
  return range_end ? { key: from, range_end: Buffer.from(range_end) } : { key: from };
}

/** As a range's begin and end it stands for the very first and the very last. */
const ALL = Buffer.of(0);

/** The first key after those that begin with the prefix: its last byte one higher, without those that are 255. */
function after(prefix: Buffer): Buffer {
  const last = prefix.findLastIndex((byte) => byte < 0xff);
  if (last < 0) return ALL;
  const end = Buffer.from(prefix.subarray(0, last + 1));
  end[last] = (end[last] as number) + 1;
  return end;
}
