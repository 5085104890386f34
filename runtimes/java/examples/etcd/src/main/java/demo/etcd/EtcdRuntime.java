package demo.etcd;

import io.etcd.jetcd.Client;
import io.github.restyffi.Config;
import io.github.restyffi.FfiRuntime;

/**
 * {@code ngx.load_ffi("ffi_java", 'demo.etcd.EtcdRuntime,init,{"endpoints":["127.0.0.1:2379"]}')}
 */
public final class EtcdRuntime {
    public static FfiRuntime init(Config config) {
        Client client = Connection.open(config.json(Settings.class));
        KeyValues keyValues = new KeyValues(client.getKVClient());
        Transactions transactions = new Transactions(client.getKVClient());
        Leases leases = new Leases(client.getLeaseClient());
        Watches watches = new Watches(client);
        return FfiRuntime.builder()
                .asyncMethod("put", keyValues::put)
                .asyncMethod("get", keyValues::get)
                .asyncMethod("delete", keyValues::delete)
                .asyncMethod("txn", transactions::commit)
                .asyncMethod("lease_grant", leases::grant)
                .asyncMethod("lease_revoke", leases::revoke)
                .streamMethod("lease_keep_alive", leases::keepAlive)
                .streamMethod("watch", watches::serve)
                .onUnload(client)
                .build();
    }
}
