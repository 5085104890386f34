import { Buffer } from "node:buffer";
import koffi from "koffi";
import { CALL, CallState } from "./abi.js";
import type { Native } from "./library.js";

const { at } = CALL;
/** Answers up to this many bytes come from Buffer's pool. */
const SMALL = 4096;

/** A call object of the core, for a plain call or a stream. It is reused for later calls. */
export class Call {
  readonly address: number;
  readonly #native: Native;
  readonly #fields: DataView;
  /** Handles the answer, or an event of the stream. Undefined while no caller waits. */
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

  /** 0, or the code of the failure; then `answer` is the message. */
  get status(): number {
    return this.#fields.getInt32(at.status, true);
  }

  /** A copy of the answer; null if the runtime answered nil. */
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
