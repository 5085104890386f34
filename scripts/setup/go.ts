import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { TOOLCHAINS } from "../environment.ts";
import { install } from "./install.ts";

const VERSION = "1.26.8";
const ARCHITECTURES: Partial<Record<NodeJS.Architecture, string>> = { x64: "amd64", arm64: "arm64" };

/**
 * Installs a newer Go in `.toolchain/go` by means of the older Go of this machine. Go publishes its toolchains as a
 * module, which `go mod download` fetches and checks against the checksum database like any other module. Go 1.21 and
 * later unpack it themselves; this function does the same for older versions.
 */
export async function installGo(): Promise<void> {
  const architecture = ARCHITECTURES[process.arch];
  if (!architecture) throw new Error(`Set-up cannot install Go for this architecture (${process.arch}).`);
  const modules = join(TOOLCHAINS, "go-modules");
  mkdirSync(modules, { recursive: true });
  const version = `v0.0.1-go${VERSION}.linux-${architecture}`;
  await install(
    `downloading Go ${VERSION}`,
    "go",
    ["mod", "download", "-modcacherw", `golang.org/toolchain@${version}`],
    {
      GOMODCACHE: modules,
      GOTOOLCHAIN: "local",
      GOFLAGS: "",
      GO111MODULE: "on",
    },
  );

  const downloaded = join(modules, "golang.org", `toolchain@${version}`);
  // The files of a module are not executable, and it cannot hold a go.mod below its root.
  for (const folder of ["bin", join("pkg", "tool")]) executable(join(downloaded, folder));
  for (const folder of ["src", join("src", "cmd")]) {
    renameSync(join(downloaded, folder, "_go.mod"), join(downloaded, folder, "go.mod"));
  }
  const target = join(TOOLCHAINS, "go");
  rmSync(target, { recursive: true, force: true });
  renameSync(downloaded, target);
  rmSync(modules, { recursive: true, force: true });
}

function executable(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) executable(path);
    else chmodSync(path, 0o755);
  }
}
