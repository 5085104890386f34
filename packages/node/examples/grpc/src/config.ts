import { readFileSync } from "node:fs";
import { type ChannelCredentials, type ClientOptions, credentials } from "@grpc/grpc-js";
import { parseConfig } from "@resty-ffi/node";
import { z } from "zod";
import { explain } from "./request.js";

const Path = z.string().min(1, "must be the path of a PEM file");

const Config = z.strictObject({
  address: z.string().regex(/^.+:\d+$/, 'must be of the form "host:port"'),
  tls: z
    .strictObject({
      ca: Path.optional(),
      cert: Path.optional(),
      key: Path.optional(),
      host: z.string().min(1).optional(),
    })
    .refine(({ cert, key }) => !cert === !key, '"cert" and "key" go together: give both, or neither')
    .optional(),
});
type Config = z.infer<typeof Config>;

/** Throws a sentence that names what is wrong: it becomes the message of the load that fails. */
export function readConfig(text: string | null): Config {
  return parseConfig(text, (value) => {
    const { data, error } = Config.safeParse(value);
    if (error) throw new Error(`The configuration does not fit: ${explain(error)}.`);
    return data;
  });
}

export function credentialsOf({ tls }: Config): ChannelCredentials {
  if (!tls) return credentials.createInsecure();
  try {
    const [ca = null, key = null, cert = null] = [tls.ca, tls.key, tls.cert].map((path) => path && readFileSync(path));
    return credentials.createSsl(ca || null, key || null, cert || null);
  } catch (error) {
    throw new Error(`The files of "tls" cannot be used: ${(error as Error).message}.`, { cause: error });
  }
}

export function optionsOf({ tls }: Config): ClientOptions {
  return {
    // A server that comes back is found within a second, not within grpc-js's two minutes.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1000,
    ...(tls?.host && { "grpc.ssl_target_name_override": tls.host, "grpc.default_authority": tls.host }),
  };
}
