import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { LoadOptions } from "@resty-ffi/host";
import { FOLDERS } from "@resty-ffi/scripts/paths";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

export type Language = keyof typeof FOLDERS;
export type Name = "echo" | "grpc" | "etcd" | "kafka";

export const LANGUAGES = Object.keys(FOLDERS) as Language[];
export const NAMES: readonly Name[] = ["echo", "grpc", "etcd", "kafka"];

/** How to load what the build has made of an example. */
export interface Built {
  lib: string;
  /** What stands before the JSON of the configuration. */
  cfg: string;
  env: Record<string, string>;
  options: LoadOptions;
}

export function workspaceOf(language: Language): string {
  return join(ROOT, FOLDERS[language]);
}

/** The example's folder in the repository. */
export function sourceOf(language: Language, name: Name): string {
  return join(workspaceOf(language), "examples", name);
}

/** What the workspace says in dist/examples.json. */
export function builtOf(language: Language, name: Name): Built {
  const workspace = workspaceOf(language);
  const file = join(workspace, "dist/examples.json");
  if (!existsSync(file)) throw new Error(`${file} is missing: run npm run build.`);
  const text = readFileSync(file, "utf8").replaceAll("$" + "{dir}", workspace);
  const example = (JSON.parse(text) as Partial<Record<Name, Partial<Built> & { lib: string }>>)[name];
  if (!example) throw new Error(`${file} does not say how to load ${name}.`);
  const { lib, cfg = "", env = {}, options = {} } = example;
  return { lib: resolve(workspace, lib), cfg, env, options };
}
