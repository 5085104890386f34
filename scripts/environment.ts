import { existsSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root folder of the checkout. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Toolchains that set-up installs for this checkout only. */
export const TOOLCHAINS = join(ROOT, ".toolchain");

/** The first file named `command` on a search path. */
export function which(command: string, path = process.env.PATH ?? ""): string | undefined {
  return path
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, command))
    .find((file) => existsSync(file));
}

/**
 * The environment for builds, tests and tools: the given variables, with the workspace's commands and the private
 * toolchains first on the path, and the settings that the languages' tools cannot find by themselves.
 */
export function environment(base: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const path = [
    join(ROOT, "node_modules", ".bin"),
    join(TOOLCHAINS, "go", "bin"),
    ...(base.PATH ?? "").split(delimiter),
    // nginx is installed here, and only root has these folders on the path.
    "/usr/sbin",
    "/sbin",
  ];
  const env: NodeJS.ProcessEnv = {
    ...base,
    PATH: [...new Set(path.filter((folder) => folder && existsSync(folder)))].join(delimiter),
    // A Go build must not fail when git is missing or does not trust the checkout.
    GOFLAGS: [base.GOFLAGS, "-buildvcs=false"].filter(Boolean).join(" "),
    TURBO_TELEMETRY_DISABLED: "1",
  };
  const java = javaHome(base, env.PATH);
  if (java) env.JAVA_HOME = java;
  else delete env.JAVA_HOME;
  return env;
}

function javaHome(base: NodeJS.ProcessEnv, path: string | undefined): string | undefined {
  if (base.JAVA_HOME && existsSync(join(base.JAVA_HOME, "bin", "javac"))) return base.JAVA_HOME;
  const javac = which("javac", path);
  return javac && dirname(dirname(realpathSync(javac)));
}
