import { accessSync, constants, existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

/** The workspaces whose tests run inside nginx, and so can run in any nginx. */
export const NGINX_WORKSPACES = ["@resty-ffi/nginx", "@resty-ffi/conformance", "@resty-ffi/lua"];

/** `npm test -- --nginx PATH --modules PATH`. */
export interface GivenNginx {
  /** The variables that packages/nginx reads. Empty: the tests use the nginx that is installed. */
  env: Record<string, string>;
  /** The remaining arguments. */
  rest: string[];
}

/** Takes the options out of the arguments. Throws an error if they name something that cannot be run. */
export function givenNginx(args: string[]): GivenNginx {
  const { values, tokens } = parseArgs({
    args,
    options: { nginx: { type: "string" }, modules: { type: "string" } },
    strict: false,
    tokens: true,
  });
  const taken = new Set<number>();
  for (const token of tokens) {
    if (token.kind !== "option" || !(token.name === "nginx" || token.name === "modules")) continue;
    if (typeof token.value !== "string") throw new Error(`--${token.name} needs a path.`);
    taken.add(token.index);
    if (!token.inlineValue) taken.add(token.index + 1);
  }
  const rest = args.filter((_, index) => !taken.has(index));
  if (values.nginx === undefined) {
    if (values.modules !== undefined) throw new Error("--modules needs --nginx: it names the modules of that nginx.");
    return { env: {}, rest };
  }
  const nginx = resolve(values.nginx as string);
  if (!isProgram(nginx)) throw new Error(`--nginx: ${nginx} is not an executable file.`);
  const env: Record<string, string> = { RESTY_FFI_TEST_NGINX: nginx };
  if (values.modules !== undefined) {
    env.RESTY_FFI_TEST_MODULES = resolve(values.modules as string);
    const core = join(env.RESTY_FFI_TEST_MODULES, "resty", "core.lua");
    if (!existsSync(core)) throw new Error(`--modules: ${core} is missing; put lua-resty-core there.`);
  }
  return { env, rest };
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
