import { parseConfig } from "@resty-ffi/node";
import { CompressionTypes } from "kafkajs";
import { z } from "zod";
import { explain } from "./request.js";

/** kafkajs's numbers for what the configuration may say. */
const ACKS = { all: -1, "1": 1, "0": 0 } as const;
const COMPRESSION = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP } as const;

const Config = z.strictObject({
  brokers: z.array(z.string().regex(/^[^/]+:\d+$/, 'must be of the form "host:port"')).min(1),
  acks: z
    .enum(["all", "1", "0"])
    .default("all")
    .transform((acks) => ACKS[acks]),
  compression: z
    .enum(["none", "gzip"])
    .default("none")
    .transform((name) => COMPRESSION[name]),
  linger_ms: z.number().min(0).default(0),
});
export type Config = z.infer<typeof Config>;

/** Throws a sentence that names what is wrong: it becomes the message of the load that fails. */
export function readConfig(text: string | null): Config {
  return parseConfig(text, (value) => {
    const { data, error } = Config.safeParse(value);
    if (error) throw new Error(`The configuration does not fit: ${explain(error)}.`);
    return data;
  });
}
