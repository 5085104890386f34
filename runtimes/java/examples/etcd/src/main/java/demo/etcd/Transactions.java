package demo.etcd;

import static demo.etcd.Texts.bytes;

import com.google.gson.JsonPrimitive;

import io.etcd.jetcd.KV;
import io.etcd.jetcd.kv.DeleteResponse;
import io.etcd.jetcd.kv.GetResponse;
import io.etcd.jetcd.kv.TxnResponse;
import io.etcd.jetcd.op.Cmp;
import io.etcd.jetcd.op.CmpTarget;
import io.etcd.jetcd.op.Op;
import io.github.restyffi.Call;

import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/** The method txn. */
final class Transactions {
    private final KV kv;

    Transactions(KV kv) {
        this.kv = kv;
    }

    record Txn(List<Compare> compare, List<Operation> success, List<Operation> failure) {
        Txn {
            compare = Fields.list("compare", compare);
            success = Fields.list("success", success);
            failure = Fields.list("failure", failure);
        }
    }

    record Compare(String key, String target, String result, JsonPrimitive value) {
        Compare {
            Fields.required("key", key);
            Fields.required("target", target);
            Fields.required("result", result);
            Fields.required("value", value);
        }

        Cmp toCmp() {
            return new Cmp(bytes(key), operator(), comparand());
        }

        private Cmp.Op operator() {
            return switch (result) {
                case "=" -> Cmp.Op.EQUAL;
                case "!=" -> Cmp.Op.NOT_EQUAL;
                case ">" -> Cmp.Op.GREATER;
                case "<" -> Cmp.Op.LESS;
                default ->
                        throw Failures.badRequest(
                                "result should be =, !=, > or <, but is " + result);
            };
        }

        private CmpTarget<?> comparand() {
            return switch (target) {
                case "value" -> CmpTarget.value(bytes(string()));
                case "version" -> CmpTarget.version(number());
                case "create_revision" -> CmpTarget.createRevision(number());
                case "mod_revision" -> CmpTarget.modRevision(number());
                default ->
                        throw Failures.badRequest(
                                "target should be value, version, create_revision or mod_revision,"
                                        + " but is "
                                        + target);
            };
        }

        private String string() {
            if (!value.isString()) {
                throw Failures.badRequest("value should be a string, but is " + value);
            }
            return value.getAsString();
        }

        private long number() {
            try {
                if (value.isNumber()) {
                    return value.getAsBigDecimal().longValueExact();
                }
            } catch (ArithmeticException e) {
                // neither
            }
            throw Failures.badRequest("value should be a whole number, but is " + value);
        }
    }

    /** One operation: exactly one of the three is given. */
    record Operation(KeyValues.Put put, KeyValues.Get get, KeyValues.Delete delete) {
        Operation {
            if (Stream.of(put, get, delete).filter(op -> op != null).count() != 1) {
                throw Failures.badRequest("an op should be one of put, get and delete");
            }
        }

        Op toOp() {
            if (put != null) {
                return Op.put(bytes(put.key()), bytes(put.value()), put.options());
            }
            return get != null
                    ? Op.get(get.first(), get.options())
                    : Op.delete(delete.first(), delete.options());
        }
    }

    record Answer(long revision, boolean succeeded, List<Response> responses) {}

    /** The response to one operation; the two that are null do not appear in the JSON. */
    record Response(Done put, Found get, Deleted delete) {}

    record Done() {}

    record Found(long count, List<KeyValues.KeyValue> kvs) {}

    record Deleted(long deleted) {}

    CompletableFuture<byte[]> commit(byte[] json, Call call) {
        Txn txn = Json.decode(json, Txn.class);
        Cmp[] conditions = txn.compare().stream().map(Compare::toCmp).toArray(Cmp[]::new);
        Op[] success = ops(txn.success());
        Op[] failure = ops(txn.failure());
        return Requests.send(
                        call, () -> kv.txn().If(conditions).Then(success).Else(failure).commit())
                .thenApply(response -> answer(txn, response))
                .thenApply(Json::encode);
    }

    private static Op[] ops(List<Operation> operations) {
        return operations.stream().map(Operation::toOp).toArray(Op[]::new);
    }

    /** Puts the responses in the order of the request: jetcd sorts them by kind. */
    private static Answer answer(Txn txn, TxnResponse response) {
        Iterator<GetResponse> gets = response.getGetResponses().iterator();
        Iterator<DeleteResponse> deletes = response.getDeleteResponses().iterator();
        List<Response> responses =
                (response.isSucceeded() ? txn.success() : txn.failure())
                        .stream().map(operation -> answer(operation, gets, deletes)).toList();
        return new Answer(response.getHeader().getRevision(), response.isSucceeded(), responses);
    }

    private static Response answer(
            Operation operation, Iterator<GetResponse> gets, Iterator<DeleteResponse> deletes) {
        if (operation.put() != null) {
            return new Response(new Done(), null, null);
        }
        if (operation.get() != null) {
            GetResponse get = gets.next();
            Found found = new Found(get.getCount(), KeyValues.KeyValue.listOf(get));
            return new Response(null, found, null);
        }
        return new Response(null, null, new Deleted(deletes.next().getDeleted()));
    }
}
