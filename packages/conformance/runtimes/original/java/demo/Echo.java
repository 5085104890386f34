package demo;

import resty.FFI;

/** An echo as for lua-resty-ffi. It answers "config" with its configuration. */
public final class Echo {
    private Echo() {}

    public static int init(String cfg, long tq) {
        Thread thread = new Thread(() -> serve(cfg, tq));
        thread.setDaemon(true);
        thread.start();
        return 0;
    }

    private static void serve(String cfg, long tq) {
        for (long task; (task = FFI.poll(tq)) != 0; ) {
            byte[] request = FFI.request(task);
            boolean config = new String(request).equals("config");
            FFI.respond(task, 0, config ? cfg.getBytes() : request);
        }
    }
}
