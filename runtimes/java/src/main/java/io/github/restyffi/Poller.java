package io.github.restyffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * The polling thread of a runtime. It takes frames in batches, serves fast methods itself, hands
 * other calls to the executor, and sends all answers of a batch together. It ends with the runtime.
 */
final class Poller implements Owner, Runnable {
    private static final long END_WITHIN_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final byte[] NO_ROOM =
            "the request does not fit into the Java heap; raise its limit with JAVA_OPTS=-Xmx..."
                    .getBytes(UTF_8);

    private final Queue queue;
    private final FfiRuntime runtime;
    private final Services services;
    private final Frames in = new Frames();

    /** A method that was called; null if the runtime has none of this name. */
    private record Called(String name, @Nullable Method method) {}

    /** Methods by the numbers that the host gives them. */
    private @Nullable Called[] called = {};

    /**
     * Calls that have not been answered. The thread that removes a call answers it, so that each is
     * answered once.
     */
    private final Map<Long, CallInFlight> calls = new ConcurrentHashMap<>();

    Poller(Queue queue, FfiRuntime runtime, Services services) {
        this.queue = queue;
        this.runtime = runtime;
        this.services = services;
    }

    @Override
    public void run() {
        services.outbox().collectHere();
        int n;
        while ((n = queue.poll(in, -1)) >= 0) {
            serve(n);
        }
        unload();
    }

    @Override
    public HostLogger logger() {
        return services.logger();
    }

    @Override
    public Outbox outbox() {
        return services.outbox();
    }

    @Override
    public Executor streams() {
        return services.streams();
    }

    int callsInFlight() {
        return calls.size();
    }

    @Override
    public void finish(Outgoing call, int status, byte @Nullable [] answer) {
        if (calls.remove(call.id, call)) {
            services.outbox().send(call.end(call.id, status, answer));
        }
    }

    private void serve(int n) {
        for (int i = 0; i < n; i++) {
            try {
                serveFrame(i);
            } catch (Throwable t) { // not from a handler; an OutOfMemoryError, for example
                failFrame(i, t);
            }
        }
        services.outbox().flush();
    }

    private void serveFrame(int i) {
        switch (in.kind(i)) {
            case Kind.CALL -> serveCall(i);
            case Kind.DATA -> serveMessage(i);
            case Kind.WINDOW -> grant(in.id(i), in.arg(i));
            case Kind.CANCEL -> cancel(in.id(i));
            case Kind.DICT -> services.dicts().answered(in.id(i), in.status(i), in.take(i));
            default -> in.take(i);
        }
    }

    private void serveCall(int i) {
        if (in.isWithoutPayload(i)) {
            answer(i, Status.THREW, NO_ROOM);
            return;
        }
        byte[] request = in.take(i);
        Called called = called(in.method(i));
        Method method = called.method();
        if (method == null) {
            String text = "runtime \"%s\" has no method \"%s\"; it has: %s";
            answer(
                    i,
                    Status.NO_METHOD,
                    text.formatted(queue.name(), called.name(), runtime.names()).getBytes(UTF_8));
        } else if (in.arg(i) != 0) {
            open(i, method, called.name(), request);
        } else {
            serve(i, method, called.name(), in.deadline(i), request);
        }
    }

    private void serve(
            int i, Method method, String name, long deadline, byte @Nullable [] request) {
        long id = in.id(i);
        if (method instanceof Method.Async async) {
            serveAsync(i, async.handler(), request, new CallInFlight(this, id, name, deadline));
        } else if (method instanceof Method.Plain plain && plain.fast()) {
            serveHere(i, plain.handler(), request, new CallInFlight(this, id, name, deadline));
        } else if (method instanceof Method.Plain plain) {
            CallInFlight call =
                    new CallInFlight(this, id, name, deadline, plain.handler(), request);
            handOver(i, call, services.chosen());
        } else {
            String text = "\"%s\" is a stream: open it with resty_ffi.stream";
            answer(i, Status.BAD_ARGUMENT, text.formatted(name).getBytes(UTF_8));
        }
    }

    private void open(int i, Method method, String name, byte @Nullable [] first) {
        boolean last = in.is(i, Flag.END);
        if (method instanceof Method.Stream streamed) {
            StreamInFlight stream =
                    new StreamInFlight(
                            this, in.id(i), name, in.deadline(i), streamed.handler(), in.arg(i));
            stream.opened(first, last);
            handOver(i, stream, services.streams());
        } else if (first != null || last) {
            serve(i, method, name, in.deadline(i), first);
        } else {
            calls.put(in.id(i), new AwaitedCall(this, in.id(i), name, in.deadline(i), method));
        }
    }

    private void serveMessage(int i) {
        boolean last = in.is(i, Flag.END);
        boolean fits = !in.isWithoutPayload(i);
        byte[] message = in.take(i);
        CallInFlight call = calls.get(in.id(i));
        if (call instanceof StreamInFlight stream) {
            if (fits) {
                stream.received(message, last);
            } else {
                stream.lost(new RestyFfiException(Status.THREW, new String(NO_ROOM, UTF_8)));
            }
        } else if (call instanceof AwaitedCall awaited && (message != null || last)) {
            if (!calls.remove(call.id, call)) {
                return;
            }
            if (fits) {
                serve(i, awaited.method, awaited.method(), awaited.deadlineNanos, message);
            } else {
                answer(i, Status.THREW, NO_ROOM);
            }
        }
    }

    private void grant(long id, long bytes) {
        if (calls.get(id) instanceof StreamInFlight stream) {
            stream.granted(bytes);
        }
    }

    private void serveHere(int i, Handler handler, byte @Nullable [] request, CallInFlight call) {
        byte[] answer;
        try {
            answer = handler.handle(request, call);
        } catch (Throwable t) {
            answer(i, call, t);
            return;
        }
        answer(i, 0, answer);
    }

    private void serveAsync(
            int i, AsyncHandler handler, byte @Nullable [] request, CallInFlight call) {
        CompletableFuture<byte @Nullable []> future;
        try {
            CompletionStage<byte @Nullable []> stage = handler.handle(request, call);
            if (stage == null) {
                throw new NullPointerException(
                        "the handler of \"%s\" returned null instead of a future"
                                .formatted(call.method()));
            }
            future = stage.toCompletableFuture();
        } catch (Throwable t) {
            answer(i, call, t);
            return;
        }
        if (future.isDone()) {
            answerDone(i, call, future);
        } else {
            free(i);
            calls.put(call.id, call);
            call.awaits(future);
        }
    }

    private void answerDone(int i, CallInFlight call, CompletableFuture<byte @Nullable []> future) {
        byte[] answer;
        try {
            answer = future.join();
        } catch (Throwable t) {
            answer(i, call, t);
            return;
        }
        answer(i, 0, answer);
    }

    private void handOver(int i, CallInFlight call, Executor executor) {
        free(i);
        calls.put(call.id, call);
        try {
            executor.execute(call);
        } catch (Throwable t) { // the task was rejected, or no thread can be started
            Failure.log(logger(), call.method(), t, Status.THREW);
            finish(call, Failure.status(t, false), Failure.text(t));
        }
    }

    private void cancel(long id) {
        CallInFlight call = calls.get(id);
        if (call != null) {
            call.cancel();
        }
    }

    private void failFrame(int i, Throwable thrown) {
        if (in.kind(i) != Kind.CALL) {
            return;
        }
        CallInFlight call = calls.get(in.id(i));
        if (call != null) {
            finish(call, Status.THREW, Failure.text(thrown));
        } else {
            answer(i, Status.THREW, Failure.text(thrown));
        }
    }

    private void answer(int i, CallInFlight call, Throwable thrown) {
        Throwable t = Failure.unwrap(thrown);
        int status = Failure.status(t, false);
        Failure.log(logger(), call.method(), t, status);
        answer(i, status, Failure.text(t));
    }

    private void answer(int i, int status, byte @Nullable [] payload) {
        services.outbox().answer(in.id(i), status, payload, in.data(i), in.length(i));
    }

    private void free(int i) {
        if (in.data(i) != 0) {
            queue.free(in.data(i));
        }
    }

    private Called called(int number) {
        if (number >= called.length) {
            called = Arrays.copyOf(called, number + 16);
        }
        Called known = called[number];
        if (known == null) {
            String name = queue.method(number);
            known = new Called(name, runtime.method(name));
            called[number] = known;
        }
        return known;
    }

    private void unload() {
        boolean finishes = !runtime.onUnload().isEmpty();
        long left = finishes ? TimeUnit.MILLISECONDS.toNanos(queue.finish(true)) : 0;
        long start = System.nanoTime();
        try {
            services.dicts().close();
            calls.values().forEach(CallInFlight::cancel);
            waitForCalls(finishes ? Math.min(END_WITHIN_NANOS, left / 2) : END_WITHIN_NANOS);
            String text =
                    "runtime \"%s\" was unloaded before the call had ended".formatted(queue.name());
            calls.values().forEach(call -> finish(call, Status.UNLOADED, text.getBytes(UTF_8)));
            services.outbox().flush();
            if (finishes) {
                services.close(runtime.onUnload(), start + left);
                queue.finish(false);
            }
            services.end();
        } finally {
            services.outbox().close(); // no thread may use the queue after its close
            queue.close();
        }
    }

    private void waitForCalls(long nanos) {
        long start = System.nanoTime();
        try {
            while (!calls.isEmpty() && System.nanoTime() - start < nanos) {
                services.outbox().flush();
                Thread.sleep(1);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // then nothing is waited for
        }
    }
}
