import { readFileSync, readlinkSync } from "node:fs";

/** The command line, each argument followed by a space. Empty when the process has ended. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** The variables that a process was started with. */
export function environmentOf(pid: number): Record<string, string> {
  const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(Boolean);
  return Object.fromEntries(variables.map((variable) => variable.split(/=(.*)/s).slice(0, 2)));
}

/** The working directory. */
export function folderOf(pid: number): string {
  return readlinkSync(`/proc/${pid}/cwd`);
}
