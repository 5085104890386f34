import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { workspaceOf } from "../places.ts";
import type { Copy } from "./copy.ts";

const VERSION = "0.1.0";

/** A local repository with all that the user's has, by hard links, and our artifact. */
export async function javaArtifact({ parent }: Copy) {
  const repository = join(parent, "maven");
  const own = /-Dmaven\.repo\.local=(\S+)/.exec(process.env.MAVEN_OPTS ?? "")?.[1] ?? join(homedir(), ".m2/repository");
  if (existsSync(own)) await link(own, repository);
  const artifact = join(repository, "io/github/resty-ffi/resty-ffi", VERSION);
  mkdirSync(artifact, { recursive: true });
  const sdk = workspaceOf("java");
  cpSync(join(sdk, "dist/resty-ffi.jar"), join(artifact, `resty-ffi-${VERSION}.jar`));
  cpSync(join(sdk, "pom.xml"), join(artifact, `resty-ffi-${VERSION}.pom`));
  return {
    env: { MAVEN_OPTS: [process.env.MAVEN_OPTS, `-Dmaven.repo.local=${repository}`].filter(Boolean).join(" ") },
  };
}

/** Hard links where the file system is the same, copies where it is not. */
async function link(from: string, to: string): Promise<void> {
  const run = promisify(execFile);
  await run("cp", ["-al", from, to]).catch(() => run("cp", ["-a", from, to]));
}
