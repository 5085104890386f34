import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { accepts, freePorts, type Service, startEtcd, startGrpcServer, startKafka } from "@resty-ffi/services";
import { type Language, type Name, ROOT, sourceOf, workspaceOf } from "../places.ts";
import { publish } from "../published/publish.ts";
import { Shell } from "./shell.ts";
import { asksNginx, missingLine, type Step, stepsOf } from "./steps.ts";

/** What READMEs say, and nginx.conf: where nginx listens, and where the service does. */
const NGINX_PORT = 8080;
const SERVICES: Record<Name, { port: number; start: () => Promise<Service> } | undefined> = {
  echo: undefined,
  grpc: { port: 50051, start: startGrpcServer },
  etcd: { port: 2379, start: startEtcd },
  kafka: { port: 9092, start: startKafka },
};

const ANSWER_S = 60;
const START_TIMEOUT_MS = 30_000;
/** Made by a build in the repository, or by an editor; a user's copy has none of it. */
const NOT_COPIED = new Set(["node_modules", "target", "dist", "build", ".venv", "__pycache__", ".mypy_cache"]);

/** Does what the README of an example says, in a copy of its folder, as a user would with the published packages. */
export async function follow(language: Language, name: Name): Promise<void> {
  const readme = readFileSync(join(sourceOf(language, name), "README.md"), "utf8");
  const steps = stepsOf(readme);
  if (!steps.some(({ expected }) => expected.length > 0))
    throw new Error("The README has no curl line with an output.");
  const parent = mkdtempSync(join(tmpdir(), "resty-ffi-readme-"));
  const folder = join(parent, name);
  cpSync(sourceOf(language, name), folder, {
    recursive: true,
    filter: (path) => !NOT_COPIED.has(path.split("/").at(-1) ?? ""),
  });
  const service = await SERVICES[name]?.start();
  const published = await publish(language, { parent, folder, name });
  try {
    const [port = 0] = await freePorts(1);
    const ports = new Map([[String(NGINX_PORT), String(port)]]);
    if (service) ports.set(String(SERVICES[name]?.port), service.address.split(":")[1] ?? "");
    const moved = (text: string) => text.replace(/\b\d+\b/g, (number) => ports.get(number) ?? number);
    configureNginx(join(folder, "nginx.conf"), moved);
    const here = steps.map((step) => ({
      ...step,
      command: moved(step.command),
      expected: step.expected.map(moved),
    }));
    await run(here, folder, { ...environment(language), ...published.env }, port);
  } finally {
    await published.close();
    await service?.stop();
    rmSync(parent, { recursive: true, force: true });
  }
}

async function run(steps: Step[], folder: string, env: NodeJS.ProcessEnv, port: number): Promise<void> {
  const shell = new Shell(folder, env);
  try {
    for (const step of steps) {
      const { command, background, expected } = step;
      if (background) {
        await shell.start(command);
        await listening(port, shell);
        continue;
      }
      // curl fails where -m ends what would go on for ever.
      const output = await shell.run(command, asksNginx(step) ? { mayFail: true, seconds: ANSWER_S } : {});
      const missing = missingLine(expected, output);
      if (missing !== undefined) {
        throw new Error(`${command}\nprinted\n${output}\nand not\n${missing}\nErrors:\n${shell.errors.slice(-4000)}`);
      }
    }
  } finally {
    await shell.close();
  }
}

function configureNginx(file: string, moved: (text: string) => string): void {
  if (!existsSync(file)) throw new Error("The example has no nginx.conf.");
  // nginx's workers would be nobody's otherwise, who may not look into a folder of root's.
  const user = process.getuid?.() === 0 ? "user root;\n" : "";
  writeFileSync(file, user + moved(readFileSync(file, "utf8")));
}

/** As after an installation: the Lua files, libresty_ffi.so and the loaders are found. */
function environment(language: Language): NodeJS.ProcessEnv {
  const native = join(ROOT, "native/dist/lib");
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: `${process.env.PATH}:/usr/sbin`,
    LUA_PATH: `${join(ROOT, "packages/lua/lib")}/?.lua;;`,
    LUA_CPATH: `${native}/?.so;;`,
    LD_LIBRARY_PATH: [native, join(workspaceOf(language), "dist")].join(":"),
  };
  // Of the npm that runs the tests, about the workspace that they are in.
  for (const key of Object.keys(env)) {
    if (/^npm_(lifecycle|package|config_local_prefix)|^VITEST|^NODE_ENV$/.test(key)) delete env[key];
  }
  return env;
}

async function listening(port: number, shell: Shell): Promise<void> {
  const late = performance.now() + START_TIMEOUT_MS;
  while (!(await accepts(port))) {
    if (performance.now() > late || (await shell.run("jobs -r")) === "") {
      throw new Error(`nginx does not listen:\n${shell.errors.slice(-4000)}`);
    }
    await delay(50);
  }
}
