package demo.etcd;

import io.etcd.jetcd.common.exception.EtcdException;
import io.github.restyffi.Call;
import io.github.restyffi.RestyFfiException;
import io.grpc.Status;

import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/** Turns failures of etcd into exceptions whose code is the gRPC status. */
final class Failures {
    /** A status that comes this close to the deadline is caused by it. */
    private static final Duration CLOSE = Duration.ofMillis(50);

    private Failures() {}

    static RestyFfiException badRequest(String message) {
        return new RestyFfiException(Status.Code.INVALID_ARGUMENT.value(), message);
    }

    static RestyFfiException of(Throwable thrown) {
        Throwable t = thrown;
        while ((t instanceof CompletionException || t instanceof ExecutionException)
                && t.getCause() != null) {
            t = t.getCause();
        }
        if (t instanceof RestyFfiException known) {
            return known;
        }
        if (t instanceof EtcdException etcd) {
            Status.Code code = Status.Code.valueOf(etcd.getErrorCode().name());
            return failure(
                    code.toStatus().withDescription(etcd.getMessage()).withCause(etcd.getCause()));
        }
        return failure(Status.fromThrowable(t));
    }

    /** Returns the failure of a call. etcd may reset its stream just before our deadline. */
    static RestyFfiException inTime(Throwable thrown, Call call) {
        RestyFfiException failure = of(thrown);
        boolean late = call.remaining().filter(left -> left.compareTo(CLOSE) < 0).isPresent();
        return late && failure.code() == Status.Code.CANCELLED.value()
                ? failure(Status.DEADLINE_EXCEEDED.withDescription(failure.getMessage()))
                : failure;
    }

    private static RestyFfiException failure(Status status) {
        Throwable cause = status.getCause();
        if (status.getDescription() == null && Status.trailersFromThrowable(cause) != null) {
            return failure(Status.fromThrowable(cause)); // the reason why etcd issued no token
        }
        // This is the status of gRPC when it writes to a connection that has just been closed.
        if (status.getCode() == Status.Code.UNKNOWN && cause instanceof ClosedChannelException) {
            return failure(Status.UNAVAILABLE.withDescription("the connection was lost"));
        }
        String text =
                status.getDescription() == null ? status.getCode().name() : status.getDescription();
        String why = cause == null || cause.getMessage() == null ? "" : ": " + cause.getMessage();
        return new RestyFfiException(status.getCode().value(), text + why, cause);
    }
}
