import { Buffer } from "node:buffer";
import koffi from "koffi";
import { CALL, CallState } from "./abi.js";
import type { Native } from "./library.js";

const { at } = CALL;
/** Up to here an answer is cut out of Buffer's pool. */
const SMALL = 4096;

/** A call of the core's, plain or a stream; used again and again. */
export class Call {
  readonly address: number;
  readonly #native: Native;
  readonly #fields: DataView;
  /** What to do with the answer, or with news of the stream; undefined while nobody waits. */
  settle: (() => void) | undefined;

  constructor(native: Native, address: number) {
    this.#native = native;
    this.address = address;
    if (!this.address) throw new Error("There is no memory for another call.");
    this.#fields = new DataView(koffi.view(BigInt(this.address), CALL.size));
  }

  get inFlight(): boolean {
    return this.#fields.getInt32(at.state, true) === CallState.IN_FLIGHT;
  }

  /** 0, or why the call failed; then `answer` is the message. */
  get status(): number {
    return this.#fields.getInt32(at.status, true);
  }

  /** A copy of the answer, null = none at all. */
  answer(): Buffer | null {
    if (this.#fields.getInt32(at.nil, true) !== 0) return null;
    const length = this.#wide(at.len);
    const copy = length <= SMALL ? Buffer.allocUnsafe(length) : Buffer.allocUnsafeSlow(length);
    if (length > 0) this.#native.copy(copy, this.#wide(at.data), length);
    return copy;
  }

  #wide(offset: number): number {
    return this.#fields.getUint32(offset, true) + this.#fields.getUint32(offset + 4, true) * 2 ** 32;
  }
}
