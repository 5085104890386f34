package io.github.restyffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.jspecify.annotations.Nullable;

/** The queue of the host that has loaded this library. libffi_java.so binds the native methods. */
final class NativeQueue implements Queue {
    private final long address;

    NativeQueue(long address) {
        this.address = address;
    }

    @Override
    public int poll(Frames in, int timeoutMillis) {
        return poll(address, in.words, in.payloads, timeoutMillis);
    }

    @Override
    public void send(Frames out, int n) {
        send(address, out.words, out.payloads, n);
    }

    @Override
    public void free(long data) {
        free(address, data);
    }

    @Override
    public String method(int number) {
        return text(method(address, number));
    }

    @Override
    public String name() {
        return text(name(address));
    }

    @Override
    public int abi() {
        return hostAbi();
    }

    @Override
    public int generation() {
        return generation(address);
    }

    @Override
    public void fail(String text) {
        fail(address, text.getBytes(UTF_8));
    }

    @Override
    public int finish(boolean busy) {
        return finish(address, busy);
    }

    @Override
    public void close() {
        close(address);
    }

    private static String text(byte @Nullable [] bytes) {
        return bytes == null ? "" : new String(bytes, UTF_8);
    }

    private static native int poll(
            long queue, long[] words, byte[] @Nullable [] payloads, int timeoutMillis);

    private static native void send(long queue, long[] words, byte[] @Nullable [] payloads, int n);

    private static native void free(long queue, long data);

    private static native byte @Nullable [] method(long queue, int number);

    private static native byte @Nullable [] name(long queue);

    private static native int generation(long queue);

    private static native void fail(long queue, byte[] text);

    private static native int finish(long queue, boolean busy);

    private static native void close(long queue);

    private static native int hostAbi();
}
