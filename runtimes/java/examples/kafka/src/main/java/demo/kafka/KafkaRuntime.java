package demo.kafka;

import io.github.restyffi.Config;
import io.github.restyffi.FfiRuntime;

/**
 * {@code ngx.load_ffi("ffi_java", 'demo.kafka.KafkaRuntime,init,{"brokers":["127.0.0.1:9092"]}')}
 */
public final class KafkaRuntime {
    public static FfiRuntime init(Config config) {
        Settings settings = config.json(Settings.class);
        Topics topics = new Topics(settings);
        Records records = new Records(settings, config.executor());
        return FfiRuntime.builder()
                .method("create_topic", topics::create)
                .asyncMethod("produce", records::produce)
                .streamMethod("consume", new Consumption(settings)::serve)
                .onUnload(topics)
                .onUnload(records)
                .build();
    }
}
