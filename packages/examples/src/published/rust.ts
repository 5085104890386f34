import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { workspaceOf } from "../places.ts";
import type { Copy } from "./publish.ts";

/** Cargo reads the configuration of the folders above. What the copies compile is shared, and kept. */
export async function rustCrate({ parent, folder }: Copy) {
  const sdk = workspaceOf("rust");
  const shared = join(sdk, "target/readme");
  mkdirSync(shared, { recursive: true });
  // READMEs say target/release.
  symlinkSync(shared, join(folder, "target"));
  cpSync(join(sdk, "Cargo.lock"), join(folder, "Cargo.lock"));
  mkdirSync(join(parent, ".cargo"));
  const patch = `[patch.crates-io]\nresty-ffi = { path = ${JSON.stringify(sdk)} }\n`;
  // What is compiled here is run for a second.
  const quick = "[profile.release]\nopt-level = 0\n";
  writeFileSync(join(parent, ".cargo/config.toml"), patch + quick);
  return {};
}
