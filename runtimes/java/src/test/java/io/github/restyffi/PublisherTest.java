package io.github.restyffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Streams by publishers. */
class PublisherTest {
    private static final long WINDOW = 10_240;

    private static RunningRuntime publishing(PublisherHandler handler) {
        return RunningRuntime.of(FfiRuntime.builder().publisherMethod("stream", handler));
    }

    /** Publishes 0 to n - 1, or until it is cancelled. */
    private record Numbers(int n, AtomicInteger made, CompletableFuture<Void> cancelled)
            implements Flow.Publisher<byte[]> {
        Numbers(int n) {
            this(n, new AtomicInteger(), new CompletableFuture<>());
        }

        @Override
        public void subscribe(Flow.Subscriber<? super byte[]> subscriber) {
            subscriber.onSubscribe(
                    new Flow.Subscription() {
                        @Override
                        public void request(long wanted) {
                            for (long i = 0; i < wanted; i++) {
                                if (made.get() == n) {
                                    subscriber.onComplete();
                                    return;
                                }
                                subscriber.onNext(
                                        Integer.toString(made.getAndIncrement()).getBytes());
                            }
                        }

                        @Override
                        public void cancel() {
                            cancelled.complete(null);
                        }
                    });
        }
    }

    /** Counts, and asks for one more each time. */
    private static final class Counter implements Flow.Subscriber<byte[]> {
        final CompletableFuture<Integer> counted = new CompletableFuture<>();
        private int n;
        private Flow.Subscription subscription;

        @Override
        public void onSubscribe(Flow.Subscription given) {
            subscription = given;
            given.request(1);
        }

        @Override
        public void onNext(byte[] message) {
            n++;
            subscription.request(1);
        }

        @Override
        public void onError(Throwable thrown) {
            counted.completeExceptionally(thrown);
        }

        @Override
        public void onComplete() {
            counted.complete(n);
        }
    }

    @Test
    void whatIsPublishedIsSent() throws Exception {
        try (RunningRuntime rt = publishing((messages, call) -> new Numbers(5))) {
            rt.queue.open("stream", null, WINDOW);
            for (int i = 0; i < 5; i++) {
                assertEquals(Integer.toString(i), rt.queue.next().text());
            }
            assertTrue(rt.queue.next().isEnd());
        }
    }

    @Test
    void noMoreIsRequestedThanTheClientTakes() throws Exception {
        Numbers numbers = new Numbers(1_000_000);
        try (RunningRuntime rt = publishing((messages, call) -> numbers)) {
            long id = rt.queue.open("stream", null, WINDOW);
            for (int i = 0; i < 40; i++) {
                rt.queue.next();
            }
            while (numbers.made.get() < 41) { // one waits to be sent
                Thread.onSpinWait();
            }
            assertNull(rt.queue.sent.poll(50, TimeUnit.MILLISECONDS));
            assertEquals(41, numbers.made.get());
            rt.queue.cancel(id);
            assertEquals(Status.CANCELLED, rt.queue.next().status());
            numbers.cancelled.get(5, TimeUnit.SECONDS);
        }
    }

    @Test
    void theClientsMessagesArePublished() throws Exception {
        try (RunningRuntime rt =
                publishing(
                        (messages, call) -> {
                            Counter counter = new Counter();
                            messages.subscribe(counter);
                            return subscriber ->
                                    counter.counted.thenAccept(
                                            n -> new Numbers(n).subscribe(subscriber));
                        })) {
            long id = rt.queue.open("stream", "first", WINDOW);
            rt.queue.message(id, "second");
            rt.queue.end(id, "third");
            for (int i = 0; i < 3; i++) {
                assertEquals(Integer.toString(i), rt.queue.next().text());
            }
            assertTrue(rt.queue.next().isEnd());
        }
    }

    /** Passes on what it receives. */
    private record Relay(SubmissionPublisher<byte[]> to) implements Flow.Subscriber<byte[]> {
        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            subscription.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(byte[] message) {
            to.submit(message);
        }

        @Override
        public void onError(Throwable thrown) {
            to.closeExceptionally(thrown);
        }

        @Override
        public void onComplete() {
            to.close();
        }
    }

    @Test
    void libraryPublishersFit() throws Exception {
        SubmissionPublisher<byte[]> answers = new SubmissionPublisher<>();
        PublisherHandler handler =
                (messages, call) -> {
                    messages.subscribe(new Relay(answers));
                    return answers;
                };
        try (RunningRuntime rt = publishing(handler)) {
            long id = rt.queue.open("stream", null, WINDOW);
            while (!answers.hasSubscribers()) { // it drops what is submitted before
                Thread.onSpinWait();
            }
            rt.queue.message(id, "a");
            rt.queue.message(id, "b");
            assertEquals("a", rt.queue.next().text());
            assertEquals("b", rt.queue.next().text());
            rt.queue.end(id, null);
            assertTrue(rt.queue.next().isEnd());
        }
    }

    @Test
    void cancellingFailsTheMessages() throws Exception {
        Counter counter = new Counter();
        CountDownLatch subscribed = new CountDownLatch(1);
        try (RunningRuntime rt =
                publishing(
                        (messages, call) -> {
                            messages.subscribe(counter);
                            return subscriber -> subscribed.countDown();
                        })) {
            long id = rt.queue.open("stream", null, WINDOW);
            subscribed.await();
            rt.queue.cancel(id);
            assertEquals(Status.CANCELLED, rt.queue.next().status());
            Throwable thrown =
                    counter.counted.<Throwable>handle((n, t) -> t).get(5, TimeUnit.SECONDS);
            assertInstanceOf(CancellationException.class, thrown);
        }
    }

    @Test
    void anErrorFailsTheStream() throws Exception {
        try (RunningRuntime rt =
                publishing(
                        (messages, call) ->
                                subscriber -> {
                                    subscriber.onSubscribe(new NoSubscription());
                                    subscriber.onError(new RestyFfiException(22, "published"));
                                })) {
            rt.queue.open("stream", null, WINDOW);
            FakeQueue.Sent end = rt.queue.next();
            assertEquals(22, end.status());
            assertEquals("published", end.text());
        }
    }

    @Test
    void aSecondSubscriberIsRefused() throws Exception {
        Counter second = new Counter();
        try (RunningRuntime rt =
                publishing(
                        (messages, call) -> {
                            messages.subscribe(new Counter());
                            messages.subscribe(second);
                            return new Numbers(1);
                        })) {
            rt.queue.open("stream", null, WINDOW);
            assertEquals("0", rt.queue.next().text());
            assertTrue(rt.queue.next().isEnd());
            assertTrue(second.counted.isCompletedExceptionally());
        }
    }

    private static final class NoSubscription implements Flow.Subscription {
        @Override
        public void request(long n) {}

        @Override
        public void cancel() {}
    }
}
