package io.github.restyffi;

import java.util.Objects;

/** How a method is served. */
sealed interface Method {
    /** By answers: on the polling thread if that is fast, else on the executor. */
    record Plain(Handler handler, boolean fast) implements Method {
        public Plain {
            Objects.requireNonNull(handler);
        }
    }

    /** By futures. */
    record Async(AsyncHandler handler) implements Method {
        public Async {
            Objects.requireNonNull(handler);
        }
    }

    /** By messages. */
    record Stream(StreamHandler handler) implements Method {
        public Stream {
            Objects.requireNonNull(handler);
        }
    }
}
