import { Buffer } from "node:buffer";
import { RestyFfiError, Status } from "@resty-ffi/error";
import type { Dict } from "./dict.js";
import { createLog, type Log } from "./log.js";

/** What the host of this process offers to the runtime. */
export interface Host {
  /** The runtime's name, for messages. */
  readonly name: string;
  /** The version of the interface between host and runtime. */
  readonly abi: number;
  readonly config: string | null;
  readonly log: Log;
  readonly dict: Dict;
}

// The loader and the runtime's module each have their own copy of this package, perhaps in different module formats.
const key = Symbol.for("@resty-ffi/node/host");
const slot = globalThis as { [key]?: Host };

async function refuse(): Promise<never> {
  throw new RestyFfiError("There is no shared dict: this process was not started by a host.", Status.UNLOADED);
}

/** The host of a module that is run by hand or in tests: it logs to stderr. */
const none: Host = {
  name: "node",
  abi: 0,
  config: null,
  log: createLog((_level, text) => process.stderr.write(Buffer.from(`${text}\n`))),
  dict: { get: refuse, set: refuse, add: refuse, incr: refuse, delete: refuse, named: () => none.dict },
};

export function setHost(host: Host): void {
  slot[key] = host;
}

export function currentHost(): Host {
  return slot[key] ?? none;
}
