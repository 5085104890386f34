import { execFile } from "node:child_process";
import { appendFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { workspaceOf } from "../places.ts";
import type { Copy } from "./copy.ts";
import { serveScope } from "./npm_registry.ts";

/** A registry of our own for our scope; all else comes from the one that is configured. */
export async function nodePackage({ parent, folder }: Copy) {
  const sdk = workspaceOf("node");
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", parent];
  const { stdout } = await promisify(execFile)("npm", pack, { cwd: sdk, timeout: 60_000 });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  const manifest = JSON.parse(await readFile(join(sdk, "package.json"), "utf8")) as { name: string; version: string };
  const registry = await serveScope(manifest, await readFile(join(parent, filename)));
  appendFileSync(join(folder, ".npmrc"), `\n@resty-ffi:registry=${registry.url}\n`);
  return { env: { npm_config_audit: "false", npm_config_fund: "false" }, close: registry.close };
}
