package io.github.restyffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.restyffi.FfiRuntime.Method;

import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * The polling thread of a runtime: takes frames by the batch, serves fast methods itself, hands the
 * others on, and sends the answers that a batch has produced in one go. It ends with the runtime.
 */
final class Poller implements Runnable {
    private static final long END_WITHIN_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final byte[] NO_ROOM =
            "the request does not fit into the Java heap; raise its limit with JAVA_OPTS=-Xmx..."
                    .getBytes(UTF_8);

    private final Queue queue;
    private final FfiRuntime runtime;
    private final Services services;
    private final Frames in = new Frames();

    /** Methods by the host's numbers, as far as they were called. */
    private Method[] methods = {};

    private String[] names = {};

    /**
     * Calls that are not answered yet. Who takes a call out of here answers it: so each is answered
     * once.
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

    HostLogger logger() {
        return services.logger();
    }

    Outbox outbox() {
        return services.outbox();
    }

    /** Where streams run. */
    Executor streams() {
        return services.streams();
    }

    int callsInFlight() {
        return calls.size();
    }

    /** Answers a call, unless it has been. Any thread. */
    void finish(CallInFlight call, int status, byte[] answer) {
        if (calls.remove(call.id, call)) {
            services.outbox().send(call.end(call.id, status, answer));
        }
    }

    private void serve(int n) {
        for (int i = 0; i < n; i++) {
            try {
                serveFrame(i);
            } catch (Throwable t) { // of ours, not of a handler: no memory, at worst
                failFrame(i, t);
            }
        }
        services.outbox().flush();
    }

    private void serveFrame(int i) {
        switch (in.kind(i)) {
            case Frames.CALL -> serveCall(i);
            case Frames.DATA -> serveMessage(i);
            case Frames.WINDOW -> grant(in.id(i), in.arg(i));
            case Frames.CANCEL -> cancel(in.id(i));
            case Frames.DICT -> services.dicts().answered(in.id(i), in.status(i), in.take(i));
            default -> in.take(i);
        }
    }

    private void serveCall(int i) {
        if (in.isWithoutPayload(i)) {
            answer(i, Status.THREW, NO_ROOM);
            return;
        }
        byte[] request = in.take(i);
        int number = in.method(i);
        Method method = method(number);
        if (method == null) {
            String text = "runtime \"%s\" has no method \"%s\"; it has: %s";
            answer(
                    i,
                    Status.NO_METHOD,
                    text.formatted(queue.name(), names[number], runtime.names()).getBytes(UTF_8));
        } else if (in.arg(i) != 0) {
            open(i, method, names[number], request);
        } else {
            serve(i, method, names[number], in.deadline(i), request);
        }
    }

    private void serve(int i, Method method, String name, long deadline, byte[] request) {
        CallInFlight call =
                new CallInFlight(
                        this,
                        in.id(i),
                        name,
                        deadline,
                        method.handler(),
                        method.fast() ? null : request); // held only until it is its turn
        if (method.asyncHandler() != null) {
            serveAsync(i, method.asyncHandler(), request, call);
        } else if (method.fast()) {
            serveHere(i, method.handler(), request, call);
        } else {
            handOver(i, call, services.chosen());
        }
    }

    private void open(int i, Method method, String name, byte[] first) {
        boolean last = in.is(i, Frames.END);
        if (method.streamHandler() != null) {
            StreamInFlight stream =
                    new StreamInFlight(
                            this,
                            in.id(i),
                            name,
                            in.deadline(i),
                            method.streamHandler(),
                            in.arg(i));
            stream.opened(first, last);
            handOver(i, stream, services.streams());
        } else if (first != null || last) {
            serve(i, method, name, in.deadline(i), first);
        } else {
            calls.put(in.id(i), new AwaitedCall(this, in.id(i), name, in.deadline(i), method));
        }
    }

    private void serveMessage(int i) {
        boolean last = in.is(i, Frames.END);
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

    private void serveHere(int i, Handler handler, byte[] request, CallInFlight call) {
        byte[] answer;
        try {
            answer = handler.handle(request, call);
        } catch (Throwable t) {
            answer(i, call, t);
            return;
        }
        answer(i, 0, answer);
    }

    private void serveAsync(int i, AsyncHandler handler, byte[] request, CallInFlight call) {
        CompletableFuture<byte[]> future;
        try {
            CompletionStage<byte[]> stage = handler.handle(request, call);
            if (stage == null) {
                throw new NullPointerException(
                        "the handler of \"%s\" returned null for a future"
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

    private void answerDone(int i, CallInFlight call, CompletableFuture<byte[]> future) {
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
        } catch (Throwable t) { // rejected, or no thread to be had
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
        if (in.kind(i) != Frames.CALL) {
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

    private void answer(int i, int status, byte[] payload) {
        services.outbox().answer(in.id(i), status, payload, in.data(i), in.length(i));
    }

    private void free(int i) {
        if (in.data(i) != 0) {
            queue.free(in.data(i));
        }
    }

    private Method method(int number) {
        if (number >= methods.length) {
            methods = Arrays.copyOf(methods, number + 16);
            names = Arrays.copyOf(names, number + 16);
        }
        if (names[number] == null) {
            String name = queue.method(number);
            methods[number] = runtime.method(name);
            names[number] = name;
        }
        return methods[number];
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
            services.outbox().close(); // nobody may touch the queue after its close
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
            Thread.currentThread().interrupt(); // then at once
        }
    }
}
