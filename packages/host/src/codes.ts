import { Status } from "@resty-ffi/error";

/** The codes of {@link Status}, each by its own name. */
export const {
  TIMEOUT,
  CANCELLED,
  QUEUE_FULL,
  TOO_LARGE,
  NO_METHOD,
  THREW,
  EXITED,
  UNLOADED,
  BAD_PHASE,
  BAD_ARGUMENT,
} = Status;
