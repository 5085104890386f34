import { Buffer } from "node:buffer";
import koffi from "koffi";
import { FOREVER, OPTIONS, Said } from "./abi.js";
import type { LoadOptions } from "./options.js";

const { size, at } = OPTIONS;

/**
 * `resty_ffi_options` of native/loop/host.h, followed by the strings that it points to. Keep the buffer while C uses
 * it.
 */
export function encode(options: LoadOptions): Buffer {
  const { limits = {} } = options;
  const strings: [offset: number, text: string][] = [];
  if (options.dicts) strings.push([at.dicts, list(options.dicts)]);
  if (options.user) strings.push([at.user, `${options.user}\0`]);
  if (options.env) strings.push([at.env, list(options.env)]);
  const settings = list(settingsOf(options));
  if (settings !== "\0") strings.push([at.settings, settings]);

  const bytes = Buffer.alloc(strings.reduce<number>((sum, [, text]) => sum + Buffer.byteLength(text), size));
  const address = koffi.address(bytes);
  bytes.writeUInt32LE(size, at.size);
  bytes.writeUInt32LE(options.maxQueue ?? 0, at.max_queue);
  bytes.writeUInt32LE(options.workers ?? 0, at.workers);
  bytes.writeUInt32LE(options.loadTimeout ?? 0, at.load_timeout_ms);
  bytes.writeUInt32LE(options.drainTimeout ?? 0, at.drain_ms);
  bytes.writeUInt32LE(options.timeout === undefined ? 0 : Math.ceil(options.timeout) || FOREVER, at.timeout_ms);
  bytes.writeUInt8(said(options.isolate), at.isolate);
  bytes.writeUInt8(said(options.isGlobal), at.global);
  bytes.writeUInt8(said(options.unpin), at.unpin);
  bytes.writeUInt8(said(options.restart), at.restart);
  bytes.writeUInt8(said(options.watch), at.watch);
  bytes.writeUInt32LE(limits.files ?? 0, at.files);
  bytes.writeUInt32LE(limits.cpus ?? 0, at.cpus);
  bytes.writeBigUInt64LE(BigInt(limits.memory ?? 0), at.memory);
  let end: number = size;
  for (const [offset, text] of strings) {
    bytes.writeBigUInt64LE(BigInt(address) + BigInt(end), offset);
    end += bytes.write(text, end);
  }
  return bytes;
}

function said(flag: boolean | undefined): number {
  return flag === undefined ? Said.UNSAID : flag ? Said.YES : Said.NO;
}

/** The settings that loaders read: names and values in turn. */
function settingsOf({ venv, javaHome, node }: LoadOptions): string[] {
  return Object.entries({ venv, java_home: javaHome, node }).flatMap(([name, value]) => (value ? [name, value] : []));
}

const list = (items: readonly string[]) => `${items.map((item) => `${item}\0`).join("")}\0`;
