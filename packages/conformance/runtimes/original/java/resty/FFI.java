package resty;

/** Version 1 for Java, by a library of its own. */
public final class FFI {
    static {
        System.load(System.getenv("RESTY_FFI_JNI"));
    }

    private FFI() {}

    public static native long poll(long tq);

    public static native byte[] request(long task);

    public static native void respond(long task, int rc, byte[] answer);
}
