/**
 * Parses a configuration in JSON and validates it.
 *
 * @param text the configuration string; `null` and the empty string count as `{}`
 * @param validate returns the parsed value with its type, or throws; for example the `parse` of a schema library
 * @throws Error when the text is not JSON, or what `validate` throws; from a runtime's function it fails the load
 *
 * @example
 * ```ts
 * export const app = (text: string | null) => {
 *   const config = parseConfig(text, z.object({ url: z.string().url() }).parse);
 *   return createRuntime().method("get", () => fetchFrom(config.url));
 * };
 * ```
 */
export function parseConfig<T>(text: string | null, validate: (value: unknown) => T): T {
  let value: unknown;
  try {
    value = text ? JSON.parse(text) : {};
  } catch (error) {
    throw new Error(`The configuration is not JSON: ${(error as Error).message}.`, { cause: error });
  }
  return validate(value);
}
