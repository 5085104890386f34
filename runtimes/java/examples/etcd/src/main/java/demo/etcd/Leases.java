package demo.etcd;

import io.etcd.jetcd.Lease;
import io.etcd.jetcd.lease.LeaseKeepAliveResponse;
import io.github.restyffi.Call;
import io.github.restyffi.MessageStream;
import io.github.restyffi.RestyFfiException;

import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** The methods lease_grant, lease_revoke and lease_keep_alive. */
final class Leases {
    private final Lease leases;

    Leases(Lease leases) {
        this.leases = leases;
    }

    record Grant(Long ttl) {
        Grant {
            Fields.required("ttl", ttl);
        }
    }

    record Named(String id) {
        Named {
            Fields.leaseId("id", id);
        }

        long number() {
            return Long.parseLong(id);
        }
    }

    record Granted(String id, long ttl) {}

    CompletableFuture<byte[]> grant(byte[] json, Call call) {
        Grant grant = Json.decode(json, Grant.class);
        return Requests.send(call, () -> leases.grant(grant.ttl()))
                .thenApply(lease -> new Granted(Long.toString(lease.getID()), lease.getTTL()))
                .thenApply(Json::encode);
    }

    CompletableFuture<byte[]> revoke(byte[] json, Call call) {
        Named lease = Json.decode(json, Named.class);
        return Requests.send(call, () -> leases.revoke(lease.number()))
                .thenApply(response -> Json.encode(Map.of()));
    }

    /** Renews the lease three times within its time to live, until it or the listener is gone. */
    void keepAlive(MessageStream stream, Call call) throws InterruptedException {
        Named lease = Json.decode(stream.receive(), Named.class);
        long ttl = renew(lease, stream);
        while (true) {
            Thread.sleep(ttl * 1000 / 3);
            try {
                ttl = renew(lease, stream);
            } catch (RestyFfiException e) {
                Requests.pauseIfPassing(e);
            }
        }
    }

    private long renew(Named lease, MessageStream stream) throws InterruptedException {
        LeaseKeepAliveResponse renewed = Requests.await(() -> leases.keepAliveOnce(lease.number()));
        stream.send(Json.encode(new Granted(lease.id(), renewed.getTTL())));
        return renewed.getTTL();
    }
}
