import { setImmediate, setTimeout } from "node:timers/promises";

/** A record that waits to be sent. */
export interface Entry {
  readonly bytes: number;
}

interface Queue<T> {
  readonly entries: T[];
  /** When the first of them came. */
  since: number;
}

/** What one request carries at most, unless a single record is larger: half of what brokers take by default. */
const MOST_BYTES = 512 << 10;
const MOST_RECORDS = 1000;

/** Collects the records of each topic while the request before is under way, and sends them in one. */
export class Batches<T extends Entry> {
  readonly #queues = new Map<string, Queue<T>>();
  readonly #lingerMs: number;
  readonly #send: (topic: string, batch: T[]) => Promise<void>;

  /** @param send never rejects: what goes wrong is for those whose records they are */
  constructor(lingerMs: number, send: (topic: string, batch: T[]) => Promise<void>) {
    this.#lingerMs = lingerMs;
    this.#send = send;
  }

  add(topic: string, entry: T): void {
    const queue = this.#queues.get(topic);
    if (queue) {
      if (queue.entries.push(entry) === 1) queue.since = performance.now();
      return;
    }
    const fresh = { entries: [entry], since: performance.now() };
    this.#queues.set(topic, fresh);
    void this.#drain(topic, fresh);
  }

  /** Takes back what has not been sent yet. */
  remove(topic: string, entry: T): void {
    const entries = this.#queues.get(topic)?.entries;
    const index = entries?.indexOf(entry) ?? -1;
    if (index >= 0) entries?.splice(index, 1);
  }

  async #drain(topic: string, queue: Queue<T>): Promise<void> {
    await setImmediate(); // for the calls that came together with this one
    while (queue.entries.length > 0) {
      const linger = queue.since + this.#lingerMs - performance.now();
      if (linger > 0) await setTimeout(linger);
      await this.#send(topic, take(queue.entries));
    }
    this.#queues.delete(topic);
  }
}

function take<T extends Entry>(entries: T[]): T[] {
  let bytes = 0;
  let n = 0;
  for (const entry of entries) {
    bytes += entry.bytes;
    if (n === MOST_RECORDS || (n > 0 && bytes > MOST_BYTES)) break;
    n++;
  }
  return entries.splice(0, n);
}
