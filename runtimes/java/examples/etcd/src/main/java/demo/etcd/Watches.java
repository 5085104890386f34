package demo.etcd;

import static demo.etcd.Texts.text;

import io.etcd.jetcd.Client;
import io.etcd.jetcd.KV;
import io.etcd.jetcd.Watch;
import io.etcd.jetcd.options.GetOption;
import io.etcd.jetcd.options.WatchOption;
import io.etcd.jetcd.watch.WatchEvent;
import io.etcd.jetcd.watch.WatchResponse;
import io.github.restyffi.Call;
import io.github.restyffi.MessageStream;
import io.github.restyffi.RestyFfiException;

import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** The method watch. */
final class Watches {
    private final KV kv;
    private final Watch watch;

    Watches(Client client) {
        kv = client.getKVClient();
        watch = client.getWatchClient();
    }

    record Request(String key, boolean prefix, String rangeEnd, long revision) implements Keys {
        Request {
            Keys.check(key, prefix, rangeEnd);
        }
    }

    record Event(String type, String key, String value, long modRevision) {
        static Event of(WatchEvent event) {
            return new Event(
                    event.getEventType().name().toLowerCase(Locale.ROOT),
                    text(event.getKeyValue().getKey()),
                    text(event.getKeyValue().getValue()),
                    event.getKeyValue().getModRevision());
        }
    }

    /** Watches until nobody listens any more. After a loss of etcd it continues where it was. */
    void serve(MessageStream stream, Call call) throws InterruptedException {
        Request request = Json.decode(stream.receive(), Request.class);
        long now = revision(request); // a watch that begins while etcd is down fails
        long next = request.revision() > 0 ? request.revision() : now + 1;
        while (true) {
            next = follow(request, next, stream);
            awaitEtcd(request);
        }
    }

    /** Sends events until etcd is lost; returns the revision to continue from. */
    private long follow(Request request, long from, MessageStream stream)
            throws InterruptedException {
        WatchOption.Builder options =
                WatchOption.builder().withRevision(from).withRequireLeader(true);
        request.end().ifPresent(options::withRange);
        Listener listener = new Listener(stream, from);
        Watch.Watcher watcher = watch.watch(request.first(), options.build(), listener);
        try {
            listener.ended.get();
        } catch (ExecutionException e) {
            Requests.pauseIfPassing(Failures.of(e));
        } finally {
            watcher.close();
        }
        return listener.next;
    }

    /** Returns when etcd answers again. If necessary, jetcd gets a new token by then. */
    private void awaitEtcd(Request request) throws InterruptedException {
        while (true) {
            try {
                revision(request);
                return;
            } catch (RestyFfiException e) {
                Requests.pauseIfPassing(e);
            }
        }
    }

    /** Returns the current revision of etcd's data; fails as the watch would. */
    private long revision(Request request) throws InterruptedException {
        GetOption.Builder options = GetOption.builder().withCountOnly(true);
        request.end().ifPresent(options::withRange);
        return Requests.await(() -> kv.get(request.first(), options.build()))
                .getHeader()
                .getRevision();
    }

    /** Sends the events, on a thread of jetcd's; a slow client slows etcd down. */
    private static final class Listener implements Watch.Listener {
        private final MessageStream stream;
        private final CompletableFuture<Void> ended = new CompletableFuture<>();

        /** Returns the revision to continue from. */
        private volatile long next;

        Listener(MessageStream stream, long next) {
            this.stream = stream;
            this.next = next;
        }

        @Override
        public void onNext(WatchResponse response) {
            if (ended.isDone()) {
                return; // the next watch will see these events
            }
            try {
                for (WatchEvent event : response.getEvents()) {
                    stream.send(Json.encode(Event.of(event)));
                    next = event.getKeyValue().getModRevision() + 1;
                }
            } catch (InterruptedException | IllegalStateException e) { // the stream has ended
                ended.completeExceptionally(e);
            }
        }

        @Override
        public void onError(Throwable failure) {
            ended.completeExceptionally(failure);
        }

        @Override
        public void onCompleted() {
            ended.complete(null);
        }
    }
}
