package demo.grpc;

import com.google.protobuf.Message;

import io.github.restyffi.Call;
import io.github.restyffi.Handler;
import io.github.restyffi.MessageStream;
import io.github.restyffi.RestyFfiException;
import io.github.restyffi.StreamHandler;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;

import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Serves methods by RPCs. A prototype determines the type of the request. */
final class Rpcs {
    /** A status that comes this close to the deadline is caused by it. */
    private static final Duration CLOSE = Duration.ofMillis(50);

    private final ManagedChannel channel;

    Rpcs(ManagedChannel channel) {
        this.channel = channel;
    }

    /** Asks the server. A cancelled call interrupts its thread, which ends the RPC. */
    interface Rpc<Q, A> {
        A ask(Call call, Q request) throws StatusException;
    }

    /** Serves one request with one answer. */
    <Q extends Message, A extends Message> Handler unary(Q prototype, Rpc<Q, A> rpc) {
        return (request, call) -> {
            Q message = Json.decode(request, prototype);
            try {
                return Json.encode(rpc.ask(call, message));
            } catch (StatusException e) {
                throw failure(e.getStatus(), call);
            }
        };
    }

    /** Serves one request with many answers. */
    <Q extends Message, A extends Message> StreamHandler serverStream(
            Q prototype, Rpc<Q, BlockingClientCall<?, A>> rpc) {
        return (stream, call) -> {
            Q message = Json.decode(stream.receive(), prototype);
            try {
                answer(stream, call, rpc.ask(call, message));
            } catch (StatusException e) {
                throw failure(e.getStatus(), call);
            }
        };
    }

    /** Serves many requests with one answer or many. */
    <Q extends Message, A extends Message> StreamHandler stream(
            Q prototype, Function<Call, BlockingClientCall<Q, A>> open) {
        return (stream, call) -> {
            BlockingClientCall<Q, A> rpc = open.apply(call);
            Thread requests =
                    new Thread(() -> request(stream, prototype, rpc), "grpc-" + call.method());
            requests.setDaemon(true);
            requests.start();
            try {
                answer(stream, call, rpc);
            } finally {
                requests.interrupt();
                requests.join();
            }
        };
    }

    /** Sends the answers of the server. The RPC has ended when this method returns or throws. */
    private void answer(
            MessageStream stream, Call call, BlockingClientCall<?, ? extends Message> rpc)
            throws InterruptedException {
        try {
            for (Message answer; (answer = rpc.read()) != null; ) {
                stream.send(Json.encode(answer)); // waits for a slow client, and so does the server
            }
        } catch (StatusException e) {
            throw failure(e.getStatus(), call);
        } finally {
            rpc.cancel("the stream has ended", null);
        }
    }

    /** Passes the requests of the client on to the server. On a thread of its own. */
    private static <Q extends Message> void request(
            MessageStream stream, Q prototype, BlockingClientCall<Q, ?> rpc) {
        try {
            for (byte[] message; (message = stream.receive()) != null; ) {
                rpc.write(Json.decode(message, prototype)); // waits for a slow server
            }
            rpc.halfClose();
        } catch (RestyFfiException e) {
            rpc.cancel("bad request", e);
        } catch (InterruptedException | StatusException | IllegalStateException e) {
            return; // the RPC has ended: the thread that reads the answers learns why
        }
    }

    private RuntimeException failure(Status status, Call call) {
        if (call.cancellation().isCancelled()) {
            return new CancellationException("nobody waits any more");
        }
        if (status.getCause() instanceof RestyFfiException bad) {
            return bad;
        }
        if (isLost(status)) {
            return failure(Status.UNAVAILABLE.withDescription("the connection was lost"), call);
        }
        if (status.getCode() == Status.Code.CANCELLED && isLate(call)) {
            return failure(Status.DEADLINE_EXCEEDED.withDescription(text(status)), call);
        }
        if (status.getCode() == Status.Code.UNAVAILABLE) {
            channel.resetConnectBackoff(); // so that the next call tries at once
        }
        return new RestyFfiException(status.getCode().value(), text(status), status.getCause());
    }

    /** Whether the deadline has passed, or almost: a server may reset the stream just before. */
    private static boolean isLate(Call call) {
        return call.remaining().filter(left -> left.compareTo(CLOSE) < 0).isPresent();
    }

    /** Whether the connection was lost: gRPC says UNKNOWN if that happens while it writes. */
    private static boolean isLost(Status status) {
        return status.getCode() == Status.Code.UNKNOWN
                && status.getCause() instanceof ClosedChannelException;
    }

    /** Returns the description and the cause, where gRPC keeps what the network reports. */
    private static String text(Status status) {
        String text = status.getDescription();
        String cause = status.getCause() == null ? null : status.getCause().getMessage();
        return Stream.of(text, cause)
                .filter(Objects::nonNull)
                .map(part -> part.lines().findFirst().orElse(""))
                .distinct()
                .collect(Collectors.joining(": "));
    }
}
