package demo.etcd;

import static demo.etcd.Texts.bytes;
import static demo.etcd.Texts.text;

import io.etcd.jetcd.KV;
import io.etcd.jetcd.kv.GetResponse;
import io.etcd.jetcd.options.DeleteOption;
import io.etcd.jetcd.options.GetOption;
import io.etcd.jetcd.options.PutOption;
import io.github.restyffi.Call;

import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The methods put, get and delete. */
final class KeyValues {
    private final KV kv;

    KeyValues(KV kv) {
        this.kv = kv;
    }

    record Put(String key, String value, String lease) {
        Put {
            Fields.required("key", key);
            Fields.required("value", value);
            lease = lease == null ? "0" : lease;
            Fields.leaseId("lease", lease);
        }

        PutOption options() {
            return PutOption.builder().withLeaseId(Long.parseLong(lease)).build();
        }
    }

    record Get(String key, boolean prefix, String rangeEnd, long limit, long revision)
            implements Keys {
        Get {
            Keys.check(key, prefix, rangeEnd);
        }

        GetOption options() {
            GetOption.Builder options = GetOption.builder().withLimit(limit).withRevision(revision);
            end().ifPresent(options::withRange);
            return options.build();
        }
    }

    record Delete(String key, boolean prefix, String rangeEnd) implements Keys {
        Delete {
            Keys.check(key, prefix, rangeEnd);
        }

        DeleteOption options() {
            DeleteOption.Builder options = DeleteOption.builder();
            end().ifPresent(options::withRange);
            return options.build();
        }
    }

    record PutAnswer(long revision) {}

    record GetAnswer(long revision, long count, List<KeyValue> kvs) {}

    record DeleteAnswer(long revision, long deleted) {}

    record KeyValue(
            String key,
            String value,
            long createRevision,
            long modRevision,
            long version,
            String lease) {
        static List<KeyValue> listOf(GetResponse response) {
            return response.getKvs().stream().map(KeyValue::of).toList();
        }

        private static KeyValue of(io.etcd.jetcd.KeyValue kv) {
            return new KeyValue(
                    text(kv.getKey()),
                    text(kv.getValue()),
                    kv.getCreateRevision(),
                    kv.getModRevision(),
                    kv.getVersion(),
                    Long.toString(kv.getLease()));
        }
    }

    CompletableFuture<byte[]> put(byte[] json, Call call) {
        Put put = Json.decode(json, Put.class);
        return Requests.send(
                        call, () -> kv.put(bytes(put.key()), bytes(put.value()), put.options()))
                .thenApply(response -> new PutAnswer(response.getHeader().getRevision()))
                .thenApply(Json::encode);
    }

    CompletableFuture<byte[]> get(byte[] json, Call call) {
        Get get = Json.decode(json, Get.class);
        return Requests.send(call, () -> kv.get(get.first(), get.options()))
                .thenApply(
                        response ->
                                new GetAnswer(
                                        response.getHeader().getRevision(),
                                        response.getCount(),
                                        KeyValue.listOf(response)))
                .thenApply(Json::encode);
    }

    CompletableFuture<byte[]> delete(byte[] json, Call call) {
        Delete delete = Json.decode(json, Delete.class);
        return Requests.send(call, () -> kv.delete(delete.first(), delete.options()))
                .thenApply(
                        response ->
                                new DeleteAnswer(
                                        response.getHeader().getRevision(), response.getDeleted()))
                .thenApply(Json::encode);
    }
}
