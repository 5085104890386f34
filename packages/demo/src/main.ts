import type { Nginx } from "@resty-ffi/nginx";
import { paths } from "@resty-ffi/scripts/paths";
import { checkFree, portOf } from "./port.ts";
import { progress } from "./progress.ts";
import { startServer } from "./server.ts";
import { type Services, startServices } from "./services.ts";

/** More than nginx's `worker_shutdown_timeout`. */
const GRACE_MS = 6000;
const LOG_LINES = 8;

/** What `/languages` says of one language. */
interface Language {
  name: string;
  error?: string;
  load_ms: number;
  transport?: string;
  about?: string;
}

async function introduce(address: string): Promise<void> {
  const languages = (await (await fetch(`${address}/languages`)).json()) as Language[];
  for (const { name, error, load_ms, transport, about } of languages) {
    const { version = "" } = about ? (JSON.parse(about) as { version?: string }) : {};
    process.stdout.write(
      error
        ? `  ${name.padEnd(7)} could not be loaded: ${error}\n`
        : `  ${name.padEnd(7)} ${version} (${transport}), up after ${Math.round(load_ms)} ms\n`,
    );
  }
  process.stdout.write(`\n  ${address}\n  ${address}/services\n\nCtrl-C stops everything.\n`);
}

function introduceServices({ addresses, errors }: Services): void {
  for (const [name, address] of Object.entries(addresses)) process.stdout.write(`  ${name.padEnd(7)} ${address}\n`);
  for (const [name, error] of Object.entries(errors)) {
    process.stdout.write(`  ${name.padEnd(7)} could not be started: ${error}\n`);
  }
}

/** Serves until it is asked to stop or nginx ends. */
async function serve(nginx: Nginx, stop: AbortSignal): Promise<number> {
  const asked = new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    stop.addEventListener("abort", () => resolve());
  });
  try {
    await Promise.race([introduce(`http://127.0.0.1:${nginx.port}`), asked]);
    await Promise.race([nginx.exited, asked]);
    if (stop.aborted) return 0;
    process.stderr.write(`nginx ended by itself:\n${nginx.log().trim().split("\n").slice(-LOG_LINES).join("\n")}\n`);
    return 1;
  } finally {
    await nginx.stop({ graceMs: GRACE_MS });
  }
}

async function main(): Promise<number> {
  const port = portOf(process.env.PORT);
  await checkFree(port);
  const found = paths();
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());
  let services: Services | undefined;
  try {
    services = await progress("Starting Kafka (in memory), etcd and a gRPC server", startServices());
    introduceServices(services);
    const what = `Starting nginx with ${Object.keys(found.runtimes).join(", ")}`;
    const nginx = await progress(what, startServer(found, port, { services, signal: stop.signal }));
    return await serve(nginx, stop.signal);
  } catch (error) {
    if (stop.signal.aborted) return 0;
    throw error;
  } finally {
    await services?.stop();
  }
}

process.exitCode = await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  return 1;
});
