package demo.etcd;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.util.concurrent.MoreExecutors;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.ClientBuilder;

/** Opens the connection to etcd. The first request connects, and reconnects after a loss. */
final class Connection {
    private Connection() {}

    static Client open(Settings settings) {
        ClientBuilder builder =
                Client.builder()
                        .endpoints(
                                settings.endpoints().stream()
                                        .map(endpoint -> "http://" + endpoint)
                                        .toArray(String[]::new))
                        .waitForReady(false) // fail while etcd is down: the caller decides
                        .retryMaxAttempts(0)
                        .executorService(MoreExecutors.newDirectExecutorService())
                        .interceptor(Requests.DEADLINES);
        if (settings.user() != null) {
            builder.user(bytes(settings.user())).password(bytes(settings.password()));
        }
        return builder.build();
    }

    private static ByteSequence bytes(String text) {
        return ByteSequence.from(text, UTF_8);
    }
}
