package demo.kafka;

import java.util.List;

/** The configuration. */
record Settings(List<String> brokers, String acks, String compression, int linger_ms) {
    private static final List<String> ACKS = List.of("all", "1", "0");
    private static final List<String> COMPRESSIONS =
            List.of("none", "gzip", "snappy", "lz4", "zstd");

    Settings {
        if (brokers == null || brokers.isEmpty()) {
            throw new IllegalArgumentException(
                    "brokers is missing: Kafka's addresses, such as [\"127.0.0.1:9092\"]");
        }
        for (String broker : brokers) {
            if (broker == null || !broker.matches("[^\\s,]+:\\d{1,5}")) {
                throw new IllegalArgumentException(
                        "brokers should be HOST:PORT each, but one is " + broker);
            }
        }
        acks = acks == null ? "all" : acks;
        oneOf("acks", ACKS, acks);
        compression = compression == null ? "none" : compression;
        oneOf("compression", COMPRESSIONS, compression);
        if (linger_ms < 0) {
            throw new IllegalArgumentException("linger_ms should be 0 or more");
        }
    }

    private static void oneOf(String name, List<String> known, String value) {
        if (!known.contains(value)) {
            throw new IllegalArgumentException(
                    "%s should be one of %s, but is %s".formatted(name, known, value));
        }
    }
}
