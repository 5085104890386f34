import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { workspaceOf } from "../places.ts";
import type { Copy } from "./copy.ts";

/** Cargo reads the configuration of the folders above. What the build has compiled for the examples is not compiled again. */
export async function rustCrate({ parent, folder }: Copy) {
  const sdk = workspaceOf("rust");
  const compiled = join(sdk, "target/release");
  mkdirSync(compiled, { recursive: true });
  mkdirSync(join(folder, "target"));
  symlinkSync(compiled, join(folder, "target/release"));
  cpSync(join(sdk, "Cargo.lock"), join(folder, "Cargo.lock"));
  mkdirSync(join(parent, ".cargo"));
  const patch = `[patch.crates-io]\nresty-ffi = { path = ${JSON.stringify(sdk)} }\n`;
  writeFileSync(join(parent, ".cargo/config.toml"), patch);
  return {};
}
