package demo.grpc;

import io.github.restyffi.RestyFfiException;
import io.github.restyffi.Status;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.TlsChannelCredentials;

import java.io.File;
import java.io.IOException;
import java.util.concurrent.TimeUnit;

/** Opens the connection. The first call connects, and reconnects after a loss. */
final class Channels {
    private Channels() {}

    static ManagedChannel open(Settings settings) {
        if (settings.tls() == null) {
            return Grpc.newChannelBuilder(settings.address(), InsecureChannelCredentials.create())
                    .build();
        }
        try {
            return openTls(settings.address(), settings.tls());
        } catch (IOException | RuntimeException e) { // a file is missing or not valid
            throw new RestyFfiException(
                    Status.BAD_ARGUMENT,
                    "tls: ca, cert or key cannot be used: " + e.getMessage(),
                    e);
        }
    }

    static void close(ManagedChannel channel) throws InterruptedException {
        channel.shutdownNow().awaitTermination(500, TimeUnit.MILLISECONDS);
    }

    private static ManagedChannel openTls(String address, Settings.Tls tls) throws IOException {
        TlsChannelCredentials.Builder credentials =
                TlsChannelCredentials.newBuilder().trustManager(new File(tls.ca()));
        if (tls.cert() != null) {
            credentials.keyManager(new File(tls.cert()), new File(tls.key()));
        }
        ManagedChannelBuilder<?> builder = Grpc.newChannelBuilder(address, credentials.build());
        if (tls.host() != null) {
            builder.overrideAuthority(tls.host());
        }
        return builder.build();
    }
}
