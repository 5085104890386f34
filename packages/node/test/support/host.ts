import { Buffer } from "node:buffer";
import { offsetOf, structOf } from "@resty-ffi/scripts/contract";
import koffi, { type node as koffiNode } from "koffi";
import { bind } from "./core.js";
import { nodejs } from "./paths.js";
import { CallError, HostStream } from "./stream.js";

export interface Line {
  level: number;
  text: string;
}

type Settle = (status: number, data: Buffer | null) => void;

const ERROR_BYTES = 2048;

const text = (bytes: Buffer) => bytes.toString("utf8", 0, bytes.indexOf(0));

interface Options {
  workers?: number;
  timeout?: number;
  watch?: boolean;
  dicts?: string[];
  /** The program that is Node.js. */
  node?: string | undefined;
}

/** resty_ffi_options of native/loop/host.h, and the lists behind it. */
function encode({ workers = 1, timeout = 120_000, watch = false, dicts = ["shared"], node }: Options): Buffer {
  const lists = [dicts, node ? ["node", node] : []].map((list) => list.map((item) => `${item}\0`).join(""));
  const { size } = structOf("resty_ffi_options");
  const at = (field: string) => offsetOf("resty_ffi_options", field);
  const o = Buffer.alloc(size + lists.join("").length + lists.length);
  o.writeUInt32LE(size, at("size"));
  o.writeUInt32LE(workers, at("workers"));
  o.writeUInt32LE(timeout, at("load_timeout_ms"));
  o.writeUInt8(watch ? 1 : 0, at("watch"));
  o.writeBigUInt64LE(BigInt(koffi.address(o)) + BigInt(size), at("dicts"));
  const settings = size + o.write(lists[0] as string, size) + 1;
  if (node) o.writeBigUInt64LE(BigInt(koffi.address(o)) + BigInt(settings), at("settings"));
  o.write(lists[1] as string, settings);
  return o;
}

/** A real host, in this process: the core of libresty_ffi.so, driven by its pull interface. */
export class Host {
  readonly lines: Line[] = [];
  readonly api = bind();
  readonly calls = new Map<number, Settle>();
  readonly streams = new Map<number, () => void>();
  readonly pull: number = this.api.start(null, 0);
  readonly loop: number = this.api.loop(this.pull);
  readonly #waiting: koffiNode.PollHandle;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#waiting = koffi.node.poll(this.api.descriptor(this.pull), { readable: true }, () => this.run());
    this.#timer = setInterval(() => this.run(), 5);
  }

  run(): void {
    const { api } = this;
    for (let done = api.run(this.pull, 0); done > 0; done = api.run(this.pull, 0)) {
      for (let call = api.done(this.pull); call; call = api.done(this.pull)) this.#done(call);
    }
    const events = new Int32Array(1);
    for (let call = api.stream(this.pull, events); call; call = api.stream(this.pull, events)) {
      this.streams.get(call)?.();
    }
    const line: [string | null] = [null];
    for (let level = api.log(this.pull, line, [0]); level; level = api.log(this.pull, line, [0])) {
      this.lines.push({ level, text: line[0] ?? "" });
    }
  }

  /** What a call or stream holds now. */
  result(call: number): { status: number; data: Buffer | null } {
    const at = (field: string) => offsetOf("resty_ffi_call", field);
    const fields = Buffer.from(koffi.view(BigInt(call), structOf("resty_ffi_call").size));
    const length = Number(fields.readBigUInt64LE(at("len")));
    const data = Buffer.alloc(length);
    if (length > 0) data.set(new Uint8Array(koffi.view(fields.readBigUInt64LE(at("data")), length)));
    return { status: fields.readInt32LE(at("status")), data: fields.readInt32LE(at("nil")) ? null : data };
  }

  #done(call: number): void {
    const settle = this.calls.get(call);
    this.calls.delete(call);
    const { status, data } = this.result(call);
    this.api.freeCall(call);
    settle?.(status, data);
  }

  /** Loads `module,func,cfg` in Node.js; rejects with the reason. */
  async load(cfg: string | null, options: Options = {}): Promise<LoadedRuntime> {
    const { api } = this;
    const error = Buffer.alloc(ERROR_BYTES);
    const o = encode(options);
    const rt = api.load(this.loop, nodejs(), cfg, Buffer.byteLength(cfg ?? ""), o, error, error.length);
    if (!rt) throw new Error(text(error));
    for (;;) {
      const state = api.wait(rt, 0, error, error.length);
      if (state > 0) return new LoadedRuntime(this, rt);
      if (state < 0) throw new Error(text(error));
      this.run();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** The first line of the log that contains `part`. */
  async line(part: string): Promise<Line> {
    for (const end = Date.now() + 5000; Date.now() < end; ) {
      const found = this.lines.find((line) => line.text.includes(part));
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(`The log has no line with "${part}": ${JSON.stringify(this.lines)}`);
  }

  close(timeout = 3000): void {
    this.#waiting.close();
    clearInterval(this.#timer);
    this.api.close(this.pull, timeout);
  }
}

/** A call whose answer may be waited for, or given up. */
export interface Pending {
  readonly answer: Promise<Buffer | null>;
  cancel(status?: number): void;
}

export class LoadedRuntime {
  readonly #host: Host;
  readonly #rt: number;

  constructor(host: Host, rt: number) {
    this.#host = host;
    this.#rt = rt;
  }

  /** `timeout` tells the handler its deadline; it is the test that gives the call up. */
  start(method: string, request?: string | Uint8Array | null, timeout = 0): Pending {
    const { api, loop, calls } = this.#host;
    const bytes = request === undefined || request === null ? null : Buffer.from(request as Uint8Array);
    const call = api.newCall(loop);
    const answer = new Promise<Buffer | null>((resolve, reject) => {
      const number = api.method(this.#rt, method, Buffer.byteLength(method));
      // An empty request needs an address too: NULL would be nil.
      const data = bytes?.length === 0 ? Buffer.alloc(1) : bytes;
      const code = number < 0 ? number : api.submit(this.#rt, call, number, data, bytes?.length ?? 0, timeout);
      if (code !== 0) {
        api.freeCall(call);
        reject(new CallError(code, api.explain(this.#rt, code)));
        return;
      }
      calls.set(call, (status, data) => {
        if (status === 0) resolve(data);
        else reject(new CallError(status, data?.toString() ?? ""));
      });
    });
    const cancel = (status = -2) => {
      if (!calls.delete(call)) return;
      api.cancel(call, status);
      api.freeCall(call);
    };
    return { answer, cancel };
  }

  call(method: string, request?: string | Uint8Array | null, timeout?: number): Promise<Buffer | null> {
    return this.start(method, request, timeout).answer;
  }

  async text(method: string, request?: string | Uint8Array | null, timeout?: number): Promise<string | null> {
    return (await this.call(method, request, timeout))?.toString() ?? null;
  }

  stream(method: string, first?: string | Uint8Array | null, timeout = 0): HostStream {
    return new HostStream(this.#host, this.#rt, method, first ?? null, timeout);
  }

  async reload(): Promise<void> {
    const { api } = this.#host;
    const error = Buffer.alloc(ERROR_BYTES);
    if (api.reload(this.#rt) !== 0) throw new Error("The reload was refused.");
    for (;;) {
      const state = api.reloadWait(this.#rt, 0, error, error.length);
      if (state > 0) return;
      if (state < 0) throw new Error(text(error));
      this.#host.run();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  unload(): void {
    this.#host.api.unload(this.#rt);
  }
}
