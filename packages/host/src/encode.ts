import { Buffer } from "node:buffer";
import koffi from "koffi";
import type { LoadOptions } from "./options.js";

const BYTES = 80;

/** No limit of time; in an option, where 0 is what was not given. */
export const FOREVER = 0xffffffff;

/** `resty_ffi_options` of native/loop/host.h, with the strings that it points to behind it: keep it while it is used. */
export function encode(options: LoadOptions): Buffer {
  const { limits = {} } = options;
  const strings: [offset: number, text: string][] = [];
  if (options.dicts) strings.push([48, list(options.dicts)]);
  if (options.user) strings.push([56, `${options.user}\0`]);
  if (options.env) strings.push([64, list(options.env)]);
  const settings = list(settingsOf(options));
  if (settings !== "\0") strings.push([72, settings]);

  const bytes = Buffer.alloc(strings.reduce((sum, [, text]) => sum + Buffer.byteLength(text), BYTES));
  const address = koffi.address(bytes);
  bytes.writeUInt32LE(BYTES, 0);
  bytes.writeUInt32LE(options.maxQueue ?? 0, 4);
  bytes.writeUInt32LE(options.workers ?? 0, 8);
  bytes.writeUInt32LE(options.loadTimeout ?? 0, 12);
  bytes.writeUInt32LE(options.drainTimeout ?? 0, 16);
  bytes.writeUInt32LE(options.timeout === undefined ? 0 : Math.ceil(options.timeout) || FOREVER, 20);
  const { isolate, isGlobal, unpin, restart, watch } = options;
  for (const [index, flag] of [isolate, isGlobal, unpin, restart, watch].entries()) {
    bytes.writeUInt8(flag === undefined ? 0 : flag ? 1 : 2, 24 + index);
  }
  bytes.writeUInt32LE(limits.files ?? 0, 32);
  bytes.writeUInt32LE(limits.cpus ?? 0, 36);
  bytes.writeBigUInt64LE(BigInt(limits.memory ?? 0), 40);
  let end = BYTES;
  for (const [offset, text] of strings) {
    bytes.writeBigUInt64LE(BigInt(address) + BigInt(end), offset);
    end += bytes.write(text, end);
  }
  return bytes;
}

/** The settings that loaders ask for by name, each name before its value. */
function settingsOf({ venv, javaHome, node }: LoadOptions): string[] {
  return Object.entries({ venv, java_home: javaHome, node }).flatMap(([name, value]) => (value ? [name, value] : []));
}

const list = (items: readonly string[]) => `${items.map((item) => `${item}\0`).join("")}\0`;
