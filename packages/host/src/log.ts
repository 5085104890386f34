/** How serious a line of a runtime's log is, the most serious first; the names are nginx's. */
export type LogLevel = "emerg" | "alert" | "crit" | "error" | "warn" | "notice" | "info" | "debug";

/** Takes a line of a runtime's log. The text starts with the runtime's name. */
export type LogHandler = (level: LogLevel, text: string) => void;

export const LEVELS: readonly LogLevel[] = ["emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"];

/** The name of a level's number, as in a LOG frame: 1 = emerg … 8 = debug. */
export function levelName(level: number): LogLevel {
  return LEVELS[level - 1] ?? "error";
}

/** Where lines go by default. */
export function logToStderr(level: LogLevel, text: string): void {
  process.stderr.write(`[resty-ffi] [${level}] ${text}\n`);
}
