package io.github.restyffi;

import org.jspecify.annotations.Nullable;

import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** Serves a stream by publishers. Its thread sends; a second thread receives on request. */
final class PublishedStream implements StreamHandler {
    private final PublisherHandler handler;

    PublishedStream(PublisherHandler handler) {
        this.handler = Objects.requireNonNull(handler);
    }

    @Override
    public void handle(MessageStream stream, Call call) throws Exception {
        Executor threads = ((StreamInFlight) stream).threads();
        Flow.Publisher<byte[]> answers = handler.handle(new Messages(stream, threads), call);
        Answers subscriber = new Answers();
        answers.subscribe(subscriber);
        subscriber.sendTo(stream);
    }

    /** Publishes the messages of the client. */
    private record Messages(MessageStream stream, Executor threads, AtomicBoolean taken)
            implements Flow.Publisher<byte[]> {
        Messages(MessageStream stream, Executor threads) {
            this(stream, threads, new AtomicBoolean());
        }

        @Override
        public void subscribe(Flow.Subscriber<? super byte[]> subscriber) {
            Objects.requireNonNull(subscriber);
            Receiving receiving = new Receiving(stream, threads, subscriber);
            if (taken.getAndSet(true)) {
                receiving.cancel();
                subscriber.onSubscribe(receiving);
                subscriber.onError(
                        new IllegalStateException("the messages of a stream have one subscriber"));
            } else {
                subscriber.onSubscribe(receiving);
            }
        }
    }

    /** Receives messages on request. Its thread ends when no request is left. */
    private static final class Receiving implements Flow.Subscription, Runnable {
        private final MessageStream stream;
        private final Executor threads;
        private final Flow.Subscriber<? super byte[]> subscriber;
        private final AtomicLong wanted = new AtomicLong();
        private volatile boolean ended;
        private volatile boolean misused;

        Receiving(
                MessageStream stream,
                Executor threads,
                Flow.Subscriber<? super byte[]> subscriber) {
            this.stream = stream;
            this.threads = threads;
            this.subscriber = subscriber;
        }

        @Override
        public void request(long n) {
            if (ended) {
                return;
            }
            misused |= n <= 0;
            long more = Math.max(n, 1);
            if (wanted.getAndUpdate(w -> w + more < 0 ? Long.MAX_VALUE : w + more) == 0) {
                threads.execute(this);
            }
        }

        @Override
        public void cancel() {
            ended = true;
        }

        @Override
        public void run() {
            do {
                try {
                    receive();
                } catch (Throwable t) {
                    fail(
                            t instanceof InterruptedException
                                    ? new CancellationException(t.getMessage())
                                    : t);
                }
            } while (!ended && wanted.decrementAndGet() > 0);
        }

        private void receive() throws InterruptedException {
            if (misused) {
                throw new IllegalArgumentException(
                        "the number of requested messages must be above 0");
            }
            byte[] message = stream.receive();
            if (ended) {
                return;
            }
            if (message == null) {
                ended = true;
                subscriber.onComplete();
            } else {
                subscriber.onNext(message);
            }
        }

        private void fail(Throwable thrown) {
            if (!ended) {
                ended = true;
                subscriber.onError(thrown);
            }
        }
    }

    /** Hands published messages one by one to the thread that sends. */
    private static final class Answers implements Flow.Subscriber<byte[]> {
        private record End(@Nullable Throwable thrown) {}

        /** Holds the one message that was requested, and the end. */
        private final BlockingQueue<Object> published = new ArrayBlockingQueue<>(2);

        private Flow.@Nullable Subscription subscription;
        private boolean ended;

        @Override
        public synchronized void onSubscribe(Flow.Subscription given) {
            if (ended || subscription != null) {
                given.cancel();
            } else {
                subscription = given;
                given.request(1);
            }
        }

        @Override
        public void onNext(byte[] message) {
            if (!published.offer(Objects.requireNonNull(message))) {
                throw new IllegalStateException(
                        "the publisher sent more messages than were requested");
            }
        }

        @Override
        public void onError(Throwable thrown) {
            published.offer(new End(Objects.requireNonNull(thrown)));
        }

        @Override
        public void onComplete() {
            published.offer(new End(null));
        }

        void sendTo(MessageStream stream) throws Exception {
            try {
                Object next;
                while ((next = published.take()) instanceof byte[] message) {
                    stream.send(message);
                    requestNext();
                }
                if (next instanceof End end && end.thrown != null) {
                    throw end.thrown instanceof Exception e
                            ? e
                            : new ExecutionException(end.thrown);
                }
            } finally {
                end();
            }
        }

        private void requestNext() {
            Flow.Subscription known;
            synchronized (this) {
                known = Objects.requireNonNull(subscription, "onNext came before onSubscribe");
            }
            known.request(1);
        }

        private synchronized void end() {
            ended = true;
            if (subscription != null) {
                subscription.cancel();
            }
        }
    }
}
