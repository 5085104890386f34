package io.github.restyffi;

/**
 * A failure with a code. Thrown by a handler, it is what the caller gets: in Lua {@code false,
 * code, message}. Thrown by this library, its code is one of {@link Status} or the host's.
 */
public class RestyFfiException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The code. */
    private final int code;

    /**
     * A failure with a code and a message.
     *
     * @param code the code: positive for the runtime's own, negative for one of {@link Status},
     *     never 0
     * @param message the message, as the caller gets it
     */
    public RestyFfiException(int code, String message) {
        this(code, message, null);
    }

    /**
     * A failure with a code, a message and a cause.
     *
     * @param code the code: positive for the runtime's own, negative for one of {@link Status},
     *     never 0
     * @param message the message, as the caller gets it
     * @param cause what led to it; the caller does not get it
     */
    public RestyFfiException(int code, String message, Throwable cause) {
        super(message, cause);
        if (code == 0) {
            throw new IllegalArgumentException("code 0 means success: a failure needs another one");
        }
        this.code = code;
    }

    /**
     * The code of the failure.
     *
     * @return the code, never 0
     */
    public int code() {
        return code;
    }
}
