/** No answer before the call's timeout. */
export const TIMEOUT = -1;
/** The call's signal was aborted, or the handler gave up because it was told so. */
export const CANCELLED = -2;
/** `maxQueue` calls are waiting already, or the memory for payloads is used up. */
export const QUEUE_FULL = -3;
/** A payload above the limit of 128 MB. */
export const TOO_LARGE = -4;
/** The runtime serves no method of this name. */
export const NO_METHOD = -5;
/** The handler threw, panicked, or failed without a code of its own. */
export const THREW = -6;
/** The runtime's process ended, or the runtime did not start. */
export const EXITED = -7;
/** The runtime has been unloaded. */
export const UNLOADED = -8;
/** Called where the host cannot wait. Never happens in Node.js. */
export const BAD_PHASE = -9;
/** A name, configuration or payload that cannot be taken. */
export const BAD_ARGUMENT = -10;
