/** The program that libffi_nodejs.so asks the host to start: serves the runtime that the configuration names. */
import { inspect } from "node:util";
import { setHost } from "../host.js";
import { createLog } from "../log.js";
import { attach, type Queue } from "./library.js";
import { keepFreedMemory } from "./memory.js";
import { loadRuntime, parseSpec, resolveModule } from "./module.js";
import { Outbox } from "./outbox.js";
import { printAtOnce } from "./output.js";
import { placeOf } from "./place.js";
import { DictRequests, RemoteDict } from "./remote_dict.js";
import { describe, Server } from "./server.js";
import { offerVersion1 } from "./version1.js";
import { ownFiles } from "./watch.js";

async function serve(queue: Queue): Promise<void> {
  const outbox = new Outbox(queue);
  const log = createLog((level, text) => outbox.log(level, text));
  const requests = new DictRequests(outbox);
  const dict = new RemoteDict(requests);
  let loading = true;

  process.on("exit", (code) => {
    if (loading) queue.fail(endedEarly(queue.name, code));
    outbox.flush();
  });
  process.on("unhandledRejection", (error) => log.error("unhandled rejection: %s", inspect(error)));
  process.on("uncaughtExceptionMonitor", (error) => log.crit("uncaught exception: %s", inspect(error)));

  let file = "";
  try {
    const spec = parseSpec(queue.config);
    setHost({ name: queue.name, abi: queue.abi, config: spec.config, log, dict });
    file = resolveModule(spec.module);
    offerVersion1();
    const runtime = await loadRuntime(file, spec, queue.address);
    loading = false;
    queue.ready();
    if (runtime) new Server(queue, outbox, requests, log, runtime).start();
    for await (const path of ownFiles(file)) outbox.watch(path);
    outbox.flush();
  } catch (error) {
    log.error("loading failed: %s", inspect(error));
    queue.fail(error instanceof SyntaxError ? `${describe(error)} (${await placeOf(error, file)})` : describe(error));
    loading = false;
    process.exit(1);
  }
}

function endedEarly(name: string, code: number): string {
  const text = `The module of runtime "${name}" ended its process with code ${code} while loading`;
  // 0 or 13, as the version of Node.js has it.
  return code === 0 || code === 13 ? `${text}; a top-level await for what never comes does that too.` : `${text}.`;
}

process.title = "ffi-node";
keepFreedMemory();
printAtOnce();
try {
  await serve(attach(process.env.RESTY_FFI_LIB));
} catch (error) {
  process.stderr.write(`resty-ffi: ${describe(error)}\n`);
  process.exit(1);
}
