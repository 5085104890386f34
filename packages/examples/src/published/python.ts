import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT, workspaceOf } from "../places.ts";

let wheels: Promise<string> | undefined;

/** A wheel in a folder that pip looks into beside its index. It is made once in a run. */
export async function pythonPackage() {
  wheels ??= makeWheel();
  return { env: { PIP_FIND_LINKS: await wheels } };
}

async function makeWheel(): Promise<string> {
  const folder = join(ROOT, "packages/examples/build/wheels");
  const sdk = workspaceOf("python");
  // The workspace's Python: the system's may be without pip.
  const python = join(sdk, ".venv/bin/python");
  await promisify(execFile)(python, ["-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, sdk], { timeout: 300_000 });
  return folder;
}
