import type { Requests, StreamHandler } from "@resty-ffi/node";
import type { Kafka } from "kafkajs";
import { z } from "zod";
import { untilAborted } from "./client.js";
import { failure } from "./failure.js";
import { Member } from "./member.js";
import { parse } from "./request.js";
import { Subscription } from "./subscription.js";

const Commit = z.strictObject({
  commit: z.strictObject({ topic: z.string().min(1), partition: z.int().min(0), offset: z.int().min(0) }),
});

/** A member of a group, as long as the stream is open: the records of its partitions out, commits in. */
export function consume(kafka: Kafka): StreamHandler {
  return async function* (requests, call) {
    const subscription = parse(Subscription, (await requests.next()).value);
    const member = new Member(kafka, subscription, call.signal);
    try {
      await untilAborted(member.join(), call.signal);
      commit(requests, member).catch((error) => member.out.destroy(error));
      yield* member.out;
    } catch (error) {
      throw failure(error);
    } finally {
      await member.leave();
    }
  };
}

/** Commits what the caller has dealt with. A caller that closes its direction goes on to get records. */
async function commit(requests: Requests, member: Member): Promise<void> {
  for await (const request of requests) await member.commit(parse(Commit, request).commit);
}
