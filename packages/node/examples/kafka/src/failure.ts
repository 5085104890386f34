import { RestyFfiError } from "@resty-ffi/node";

/** Codes of Kafka's protocol that are asked for here, and one for what the client says without them. */
export const Code = {
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  MESSAGE_TOO_LARGE: 10,
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  ILLEGAL_GENERATION: 22,
  UNKNOWN_MEMBER_ID: 25,
  REBALANCE_IN_PROGRESS: 27,
  TOPIC_ALREADY_EXISTS: 36,
  INVALID_REQUEST: 42,
  CLIENT: 1000,
} as const;

interface KafkaError extends Error {
  code?: unknown;
  cause?: unknown;
  /** Of createTopics: what went wrong with each topic. */
  errors?: unknown[];
}

/** The code that a broker answered, wherever it is in the error; `undefined` if none did. */
export function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, cause, errors } = error as KafkaError;
  return typeof code === "number" ? code : (codeOf(errors?.[0]) ?? codeOf(cause));
}

/** An error as the caller sees it. */
export function failure(error: unknown): unknown {
  if (error instanceof RestyFfiError || !(error instanceof Error)) return error;
  if (error.name === "AbortError") return error.cause ?? error; // Node.js's own, about the reason of the call's signal
  const { message } = ((error as KafkaError).errors?.[0] as Error | undefined) ?? error;
  return new RestyFfiError(message, codeOf(error) ?? Code.CLIENT);
}
