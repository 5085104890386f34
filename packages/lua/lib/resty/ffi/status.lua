-- The host's own codes: enum resty_ffi_status of resty_ffi.h.
return {
    TIMEOUT = -1,
    CANCELLED = -2,
    QUEUE_FULL = -3,
    TOO_LARGE = -4,
    NO_METHOD = -5,
    THREW = -6,
    EXITED = -7,
    UNLOADED = -8,
    BAD_PHASE = -9,
    BAD_ARGUMENT = -10,
}
