package demo.etcd;

import io.etcd.jetcd.support.Errors;
import io.github.restyffi.Call;
import io.github.restyffi.RestyFfiException;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Context;
import io.grpc.Context.CancellableContext;
import io.grpc.Deadline;
import io.grpc.MethodDescriptor;
import io.grpc.Status;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Sends requests of jetcd with a deadline, and ends those for which nobody waits. jetcd has no
 * options for that, but its RPCs inherit the gRPC context of the thread that calls it.
 */
final class Requests {
    private static final Duration PATIENCE = Duration.ofSeconds(4);
    private static final Duration PAUSE = Duration.ofMillis(500);
    private static final Set<Integer> PASSING =
            Set.of(
                    Status.Code.UNAVAILABLE.value(),
                    Status.Code.DEADLINE_EXCEEDED.value(),
                    Status.Code.CANCELLED.value());
    private static final Context.Key<Deadline> DEADLINE = Context.key("deadline");

    /** Gives RPCs the deadline of their context. */
    static final ClientInterceptor DEADLINES =
            new ClientInterceptor() {
                @Override
                public <Q, A> ClientCall<Q, A> interceptCall(
                        MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
                    Deadline deadline = DEADLINE.get();
                    return next.newCall(
                            method, deadline == null ? options : options.withDeadline(deadline));
                }
            };

    private Requests() {}

    /** Sends a request with the deadline of a call; the cancellation of the call ends it. */
    static <A> CompletableFuture<A> send(Call call, Supplier<CompletableFuture<A>> request) {
        CancellableContext context = context(call.remaining().orElse(null));
        call.cancellation().onCancel(() -> context.cancel(null));
        return send(context, request)
                .whenComplete((answer, failure) -> context.close())
                .exceptionallyCompose(
                        failure -> CompletableFuture.failedFuture(Failures.inTime(failure, call)));
    }

    /** Sends a request of a stream, which has no deadline, and waits for the answer. */
    static <A> A await(Supplier<CompletableFuture<A>> request) throws InterruptedException {
        CancellableContext context = context(PATIENCE);
        try {
            return send(context, request).get();
        } catch (ExecutionException e) {
            throw Failures.of(e);
        } finally {
            context.close();
        }
    }

    /**
     * Waits a moment if etcd is unavailable for a while, or has ended a watch because of an old
     * token. Throws any other failure, with which the stream ends.
     */
    static void pauseIfPassing(RestyFfiException failure) throws InterruptedException {
        if (!PASSING.contains(failure.code())) {
            throw failure;
        }
        Thread.sleep(PAUSE.toMillis());
    }

    private static CancellableContext context(Duration left) {
        Context context = Context.current();
        if (left != null) {
            context =
                    context.withValue(
                            DEADLINE, Deadline.after(left.toNanos(), TimeUnit.NANOSECONDS));
        }
        return context.withCancellation();
    }

    /** Sends a request again if etcd does not accept the token: jetcd then gets a new one. */
    private static <A> CompletableFuture<A> send(
            CancellableContext context, Supplier<CompletableFuture<A>> request) {
        Supplier<CompletableFuture<A>> within = () -> start(context, request);
        return within.get()
                .exceptionallyCompose(
                        failure ->
                                Errors.isInvalidTokenError(failure)
                                                || Errors.isAuthStoreExpired(failure)
                                        ? within.get()
                                        : CompletableFuture.failedFuture(failure))
                .exceptionallyCompose(
                        failure -> CompletableFuture.failedFuture(Failures.of(failure)));
    }

    private static <A> CompletableFuture<A> start(
            CancellableContext context, Supplier<CompletableFuture<A>> request) {
        Context before = context.attach();
        try {
            return request.get();
        } finally {
            context.detach(before);
        }
    }
}
