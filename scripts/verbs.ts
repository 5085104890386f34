import { command } from "./command.ts";
import { setup } from "./setup/setup.ts";
import { turbo } from "./turbo.ts";
import { workspaces } from "./workspaces.ts";

/** npm run build */
export async function build(args: string[]): Promise<number> {
  return (await setup()) || turbo("build", args);
}

/** npm run lint */
export async function lint(args: string[]): Promise<number> {
  return (await setup()) || turbo("lint", ["--continue=dependencies-successful", ...args]);
}

/** npm start */
export async function demo(args: string[]): Promise<number> {
  return (await build([])) || script("@resty-ffi/demo", "start", args);
}

/** npm run bench */
export async function bench(args: string[]): Promise<number> {
  return (await build([])) || script("@resty-ffi/bench", "bench", args);
}

/** Runs a workspace's script in its folder without npm, so that a signal reaches the program itself. */
async function script(workspace: string, name: string, args: string[]): Promise<number> {
  const found = workspaces().find((candidate) => candidate.name === workspace);
  const line = found?.scripts[name];
  if (!found || line === undefined) {
    process.stderr.write(`The workspace ${workspace} has no script "${name}".\n`);
    return 1;
  }
  return command("/bin/sh", ["-c", `exec ${line} "$@"`, name, ...args], { cwd: found.folder });
}
