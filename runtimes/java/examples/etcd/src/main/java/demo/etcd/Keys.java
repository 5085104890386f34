package demo.etcd;

import static demo.etcd.Texts.bytes;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.options.OptionsUtil;

import java.util.Optional;

/** The keys of a request: one key, those with a prefix, or those of a range. */
interface Keys {
    String key();

    boolean prefix();

    /** Returns the first key after the range; null if there is no range. */
    String rangeEnd();

    static void check(String key, boolean prefix, String rangeEnd) {
        Fields.required("key", key);
        if (prefix && rangeEnd != null) {
            throw Failures.badRequest("prefix and range_end exclude each other");
        }
    }

    default ByteSequence first() {
        return prefix() && key().isEmpty()
                ? bytes("\0")
                : bytes(key()); // an empty prefix means all keys
    }

    default Optional<ByteSequence> end() {
        if (prefix()) {
            return Optional.of(OptionsUtil.prefixEndOf(bytes(key())));
        }
        return Optional.ofNullable(rangeEnd()).map(Texts::bytes);
    }
}
