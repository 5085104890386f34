package io.github.restyffi;

import org.jspecify.annotations.Nullable;

/**
 * A failure with a code.
 *
 * <p>When a handler throws it, the caller gets its code and its message, in Lua {@code false, code,
 * message}, and nothing is logged. When this library throws it, its code is one of {@link Status}.
 *
 * <pre>{@code
 * .method("get", (request, call) -> {
 *     byte[] value = store.get(request);
 *     if (value == null) {
 *         throw new RestyFfiException(404, "there is no such key");
 *     }
 *     return value;
 * })
 * }</pre>
 */
public class RestyFfiException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The code. */
    private final int code;

    /**
     * Makes a failure with a code and a message.
     *
     * @param code the code, which is not 0: a positive one of the runtime's own, or one of {@link
     *     Status}
     * @param message the message for the caller; null is sent as an empty one
     * @throws IllegalArgumentException if the code is 0
     */
    public RestyFfiException(int code, @Nullable String message) {
        this(code, message, null);
    }

    /**
     * Makes a failure with a code, a message and a cause.
     *
     * @param code the code, which is not 0: a positive one of the runtime's own, or one of {@link
     *     Status}
     * @param message the message for the caller; null is sent as an empty one
     * @param cause the cause, which the caller does not get; null if it has no cause
     * @throws IllegalArgumentException if the code is 0
     */
    public RestyFfiException(int code, @Nullable String message, @Nullable Throwable cause) {
        super(message, cause);
        if (code == 0) {
            throw new IllegalArgumentException(
                    "code 0 means success: a failure needs another code");
        }
        this.code = code;
    }

    /**
     * Returns the code of the failure.
     *
     * @return the code, never 0
     */
    public int code() {
        return code;
    }
}
