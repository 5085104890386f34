import { format, inspect } from "node:util";

/** @internal nginx's numbers. */
export const levels = { crit: 3, error: 4, warn: 5, notice: 6, info: 7, debug: 8 } as const;

/** Writes a log line: like `console` with a format and its values, or like pino with an object first. */
type Line = (first: unknown, ...rest: unknown[]) => void;

/**
 * Writes to the host's log (nginx's error.log) at the level of the method's name. Never throws.
 *
 * It works as the logger of libraries that expect a logger like `console` or pino: `log` is `info`, `fatal` is `crit`,
 * `trace` is `debug`.
 *
 * @example
 * ```ts
 * call.log.warn("retry %d of %s", n, url);
 * call.log.info({ user: 7, ms: 12 }, "served"); // served {"user":7,"ms":12}
 * call.log.error(error); // with its stack
 * ```
 */
export interface Log {
  readonly crit: Line;
  readonly error: Line;
  readonly warn: Line;
  readonly notice: Line;
  readonly info: Line;
  readonly debug: Line;
  readonly fatal: Line;
  readonly log: Line;
  readonly trace: Line;
  /** Returns a logger that adds these values to every line. */
  child(values: object): Log;
}

function json(values: object): string {
  try {
    return JSON.stringify(values);
  } catch {
    return inspect(values, { breakLength: Number.POSITIVE_INFINITY });
  }
}

function text(args: unknown[], values: object | undefined): string {
  const [first, ...rest] = args;
  let fields = values;
  let line = args;
  if (typeof first === "object" && first !== null && !(first instanceof Error) && typeof rest[0] === "string") {
    fields = { ...values, ...first };
    line = rest;
  }
  return fields ? `${format(...line)} ${json(fields)}` : format(...line);
}

/** @internal */
export function createLog(write: (level: number, text: string) => void, values?: object): Log {
  const at =
    (level: number): Line =>
    (...args) =>
      write(level, text(args, values));
  return {
    crit: at(levels.crit),
    error: at(levels.error),
    warn: at(levels.warn),
    notice: at(levels.notice),
    info: at(levels.info),
    debug: at(levels.debug),
    fatal: at(levels.crit),
    log: at(levels.info),
    trace: at(levels.debug),
    child: (more) => createLog(write, { ...values, ...more }),
  };
}
