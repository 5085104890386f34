package demo.kafka;

import io.github.restyffi.RestyFfiException;

import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.protocol.Errors;

import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Turns failures of Kafka into exceptions with the codes of its protocol. */
final class Failures {
    /** The code of a failure that has none in the protocol. */
    private static final int NO_CODE = 1000;

    private Failures() {}

    static RestyFfiException badRequest(String message) {
        return new RestyFfiException(Errors.INVALID_REQUEST.code(), message);
    }

    static RestyFfiException of(Throwable thrown) {
        Throwable t = thrown;
        while ((t instanceof ExecutionException || t instanceof TimeoutException)
                && t.getCause() != null) {
            t = t.getCause(); // the reason of the timeout
        }
        int code = Errors.forException(t).code();
        String text =
                Stream.of(t, t.getCause())
                        .filter(Objects::nonNull)
                        .map(part -> Objects.toString(part.getMessage(), part.toString()))
                        .distinct()
                        .collect(Collectors.joining(": "));
        return new RestyFfiException(code > 0 ? code : NO_CODE, text, t);
    }
}
