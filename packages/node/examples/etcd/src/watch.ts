import { setTimeout } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { RestyFfiError, type StreamHandler } from "@resty-ffi/node";
import { z } from "zod";
import * as api from "./api.js";
import type { Etcd } from "./client.js";
import { failure, isLost } from "./failure.js";
import { Keys, keysOf } from "./keys.js";
import { parse } from "./request.js";

const RETRY_MS = 200;

const Watch = Keys.safeExtend({ revision: z.int().min(0).optional() });

/** The changes of keys, none left out and none twice, also while etcd comes and goes. */
export function watch(etcd: Etcd): StreamHandler {
  return async function* (requests, call) {
    const request = parse(Watch, (await requests.next()).value);
    /** The revision of the next event; 0 is what comes after now. */
    let next = request.revision ?? 0;
    let known = false;
    for (let pause = 0; ; pause = RETRY_MS) {
      // etcd checks who watches when the watch begins, and calls a token that it has forgotten "permission denied".
      etcd.forgetToken();
      const create = { ...keysOf(request), start_revision: next, progress_notify: true };
      try {
        await setTimeout(pause, null, { signal: call.signal });
        for await (const answer of etcd.stream(api.watch, { create_request: create }, call)) {
          if (answer.canceled) throw refusal(answer);
          known = true;
          for (const event of answer.events) yield shown(event);
          const last = answer.events.at(-1);
          // An answer without events comes when none is left, but for the first one to who asks for the past.
          if (last) next = Number(last.kv.mod_revision) + 1;
          else if (next === 0 || !answer.created) next = Number(answer.header.revision) + 1;
        }
        if (!known) throw new RestyFfiError("etcd ended the watch", status.UNAVAILABLE);
      } catch (error) {
        if (!known || !isLost(error)) throw failure(error, call);
      }
    }
  };
}

function shown({ type, kv }: api.WatchResponse["events"][number]): string {
  return JSON.stringify({
    type: type === "PUT" ? "put" : "delete",
    key: kv.key.toString(),
    value: kv.value.toString(),
    mod_revision: Number(kv.mod_revision),
  });
}

/** Why etcd ended the watch: in its words, for which it has no field with the code. */
function refusal({ compact_revision, cancel_reason }: api.WatchResponse): RestyFfiError {
  if (compact_revision !== "0") {
    return new RestyFfiError("etcdserver: mvcc: required revision has been compacted", status.OUT_OF_RANGE);
  }
  const [, name = "", text] = /^rpc error: code = (\w+) desc = (.*)$/s.exec(cancel_reason) ?? [];
  const code = status[name.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase() as keyof typeof status];
  return new RestyFfiError(text || cancel_reason || "etcd ended the watch", code || status.UNKNOWN);
}
