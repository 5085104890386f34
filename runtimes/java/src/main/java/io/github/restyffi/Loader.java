package io.github.restyffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.jspecify.annotations.Nullable;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;

/** Loads runtimes: libffi_java.so calls {@link #load} for each. */
final class Loader {
    private Loader() {}

    /** Returns 0, or another number after it has told the host why the load fails. */
    static int load(byte @Nullable [] text, long address) {
        Queue queue = new NativeQueue(address);
        try {
            return load(
                    Target.parse(text == null ? null : new String(text, UTF_8)), queue, address);
        } catch (Throwable t) {
            LoadFailure.tell(t, queue);
            return 1;
        }
    }

    private static int load(Target target, Queue queue, long address) throws Exception {
        String classPath = System.getProperty("java.class.path");
        RuntimeClassLoader own = new RuntimeClassLoader(classPath);
        boolean ok = false;
        try {
            Class<?> type = find(target, own, classPath);
            Method init = find(type, target.methodName(), Config.class);
            int rc;
            if (init != null) {
                rc = start(init, target, queue);
            } else if (target.hot() || queue.generation() > 0) {
                rc = startVersion1(type, target, address);
            } else {
                own.close();
                ClassLoader shared = Loader.class.getClassLoader();
                rc = startVersion1(find(target, shared, classPath), target, address);
            }
            ok = rc == 0;
            if (ok) {
                ClassFiles.tell(classPath, new Outbox(queue));
            }
            return rc;
        } finally {
            Thread.currentThread().setContextClassLoader(null);
            if (!ok) {
                close(own);
            }
        }
    }

    /**
     * Starts the runtime. Its class loader is never closed: the threads of libraries may end after
     * their clients and need classes until then. The garbage collector closes its files.
     */
    private static int start(Method init, Target target, Queue queue) throws Exception {
        Services services = new Services(queue, target.config());
        if (!(init.invoke(null, services) instanceof FfiRuntime runtime)) {
            throw new RestyFfiException(
                    Status.BAD_ARGUMENT,
                    "%s.%s did not return an FfiRuntime"
                            .formatted(target.className(), target.methodName()));
        }
        services.use(runtime.executor());
        Poller poller = new Poller(queue, runtime, services);
        Threads.daemon(poller, Thread.currentThread().getContextClassLoader()).start();
        return 0;
    }

    /**
     * Starts a class for version 1, which polls the queue itself. Without a question mark the class
     * is shared by its runtimes, as in lua-resty-ffi: it may hold a native library, and that can be
     * loaded only once.
     */
    private static int startVersion1(Class<?> type, Target target, long address) throws Exception {
        Method init = find(type, target.methodName(), String.class, long.class);
        if (init == null) {
            throw new RestyFfiException(
                    Status.BAD_ARGUMENT,
                    "class %s has no static method \"FfiRuntime %s(Config)\", nor \"int %2$s(String, long)\""
                            .formatted(target.className(), target.methodName()));
        }
        return init.invoke(null, target.config(), address) instanceof Integer rc ? rc : 0;
    }

    /** Finds a class without initialising it, and makes its loader the thread's. */
    private static Class<?> find(Target target, ClassLoader classes, String classPath) {
        Thread.currentThread().setContextClassLoader(classes);
        try {
            return Class.forName(target.className(), false, classes);
        } catch (ClassNotFoundException e) {
            throw LoadFailure.notFound(target.className(), classPath);
        }
    }

    private static @Nullable Method find(Class<?> type, String name, Class<?>... parameters) {
        try {
            Method method = type.getDeclaredMethod(name, parameters);
            method.setAccessible(true); // the class need not be public
            return Modifier.isStatic(method.getModifiers()) ? method : null;
        } catch (NoSuchMethodException e) {
            return null;
        }
    }

    private static void close(Closeable classes) {
        try {
            classes.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
