import { parseConfig } from "@resty-ffi/node";
import { z } from "zod";
import { explain } from "./request.js";

const Config = z
  .strictObject({
    endpoints: z.array(z.string().regex(/^[^/]+:\d+$/, 'must be of the form "host:port"')).min(1),
    user: z.string().min(1).optional(),
    password: z.string().optional(),
  })
  .refine(({ user, password }) => (user === undefined) === (password === undefined), {
    message: '"user" and "password" go together: give both, or neither',
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
