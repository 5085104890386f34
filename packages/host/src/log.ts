/** The severity of a log line, the most severe first. The names are nginx's. */
export type LogLevel = "emerg" | "alert" | "crit" | "error" | "warn" | "notice" | "info" | "debug";

/** Receives a log line of a runtime. The text starts with the runtime's name. */
export type LogHandler = (level: LogLevel, text: string) => void;

export const LEVELS: readonly LogLevel[] = ["emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"];

/** The name of a numeric level of a LOG frame: 1 = emerg … 8 = debug. */
export function levelName(level: number): LogLevel {
  return LEVELS[level - 1] ?? "error";
}

/** The default log handler. */
export function logToStderr(level: LogLevel, text: string): void {
  process.stderr.write(`[resty-ffi] [${level}] ${text}\n`);
}
