-- The numbers of native/loop/host.h that Lua works with, by their names there without RESTY_FFI_.
return {
    -- enum resty_ffi_call_state
    DONE = 2,
    -- enum resty_ffi_stream_next
    NOTHING = 0,
    MESSAGE = 1,
    ENDED = 2,
    -- enum resty_ffi_said
    UNSAID = 0,
    YES = 1,
    NO = 2,
    -- of resty_ffi_stream_send: the window is used up
    AGAIN = 1,
    -- of resty_ffi_method_stats
    BUCKETS = 20,
    KINDS = 12,
}
