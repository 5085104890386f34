package demo.kafka;

import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * Makes clients of Kafka that are content with a small heap, and give up before most callers do.
 */
final class Clients {
    /** A call waits 5 s unless it says otherwise: time enough to hear what is wrong. */
    static final Duration PATIENCE = Duration.ofSeconds(3);

    /** How long an unload waits for a client to say goodbye. */
    static final Duration GOODBYE = Duration.ofMillis(500);

    private static final int MEGABYTE = 1 << 20;

    private Clients() {}

    static Admin admin(Settings settings) {
        return Admin.create(common(settings));
    }

    static KafkaProducer<String, String> producer(Settings settings) {
        int patience = (int) PATIENCE.toMillis();
        Map<String, Object> config = common(settings);
        config.put(ProducerConfig.ACKS_CONFIG, settings.acks());
        config.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, settings.compression());
        config.put(ProducerConfig.LINGER_MS_CONFIG, settings.linger_ms());
        config.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, patience);
        config.put(
                ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, patience + settings.linger_ms() + 1000);
        config.put(ProducerConfig.BUFFER_MEMORY_CONFIG, 8 * MEGABYTE);
        return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
    }

    static KafkaConsumer<String, String> consumer(Settings settings, String group, String from) {
        Map<String, Object> config = common(settings);
        config.put(ConsumerConfig.GROUP_ID_CONFIG, group);
        config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, from);
        config.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        config.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        config.put(ConsumerConfig.FETCH_MAX_BYTES_CONFIG, 4 * MEGABYTE);
        return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    }

    private static Map<String, Object> common(Settings settings) {
        Map<String, Object> config = new HashMap<>();
        config.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, settings.brokers());
        config.put(CommonClientConfigs.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) PATIENCE.toMillis());
        config.put(CommonClientConfigs.REQUEST_TIMEOUT_MS_CONFIG, (int) PATIENCE.toMillis());
        config.put(CommonClientConfigs.METRIC_REPORTER_CLASSES_CONFIG, ""); // no JMX
        config.put(CommonClientConfigs.ENABLE_METRICS_PUSH_CONFIG, false);
        return config;
    }
}
