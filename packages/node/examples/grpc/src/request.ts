import { status } from "@grpc/grpc-js";
import { RestyFfiError } from "@resty-ffi/node";
import type { z } from "zod";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** A request as its schema has it; what does not fit is the caller's mistake, and named. */
export function parse<T extends object>(schema: z.ZodType<T>, request: Buffer | null | undefined): T {
  if (!request) throw new RestyFfiError("the request is missing: send JSON", status.INVALID_ARGUMENT);
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(request));
  } catch (error) {
    throw new RestyFfiError(`the request is not JSON: ${(error as Error).message}`, status.INVALID_ARGUMENT);
  }
  const { data, error } = schema.safeParse(value);
  if (error) throw new RestyFfiError(explain(error), status.INVALID_ARGUMENT);
  return data;
}

/** `lo.latitude: Invalid input: expected number, received string`, for each field that does not fit. */
export function explain(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length > 0 ? `${path.join(".")}: ${message}` : message))
    .join("; ");
}
