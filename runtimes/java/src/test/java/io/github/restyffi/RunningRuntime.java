package io.github.restyffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * A runtime on a {@link FakeQueue} for one test. Closing it unloads the runtime and checks that
 * nothing is left.
 */
final class RunningRuntime implements AutoCloseable {
    final FakeQueue queue = new FakeQueue();
    final Services services = new Services(queue, "the configuration");
    final Thread thread;
    private final Poller poller;

    static RunningRuntime of(FfiRuntime.Builder builder) {
        return new RunningRuntime(config -> builder.build());
    }

    RunningRuntime(Function<Config, FfiRuntime> init) {
        FfiRuntime runtime = init.apply(services);
        services.use(runtime.executor());
        poller = new Poller(queue, runtime, services);
        thread = Threads.daemon(poller, getClass().getClassLoader());
        thread.start();
    }

    FakeQueue.Sent ask(String method, String request) throws InterruptedException {
        long id = queue.call(method, request);
        FakeQueue.Sent answer = queue.nextOfCalls();
        assertEquals(id, answer.id());
        assertEquals(Kind.DATA, answer.kind());
        assertTrue((answer.flags() & Flag.END) != 0, "the last frame of the call");
        return answer;
    }

    int callsInFlight() {
        return poller.callsInFlight();
    }

    void unload() {
        queue.unload();
        try {
            thread.join(10_000);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        assertFalse(thread.isAlive(), "the polling thread ends");
    }

    @Override
    public void close() {
        if (thread.isAlive()) {
            unload();
        }
        assertTrue(queue.closed, "the queue is closed");
        assertEquals(List.of(), queue.wrongs);
        assertEquals(Set.of(), queue.requestMemory, "request memory that nobody freed");
    }
}
