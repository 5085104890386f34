package demo.kafka;

import java.util.List;
import java.util.Objects;

/** Checks the fields of a request. What it throws names the field. */
final class Fields {
    private Fields() {}

    static <T> T required(String name, T value) {
        if (value == null) {
            throw Failures.badRequest(name + " is missing");
        }
        return value;
    }

    static void name(String name, String value) {
        if (required(name, value).isBlank()) {
            throw Failures.badRequest(name + " should not be blank");
        }
    }

    static void between(String name, long least, long value, long most) {
        if (value < least || value > most) {
            throw Failures.badRequest(
                    "%s should be from %d to %d, but is %d".formatted(name, least, most, value));
        }
    }

    static List<String> names(String name, List<String> values) {
        if (required(name, values).isEmpty() || values.stream().anyMatch(Objects::isNull)) {
            throw Failures.badRequest(name + " should hold names");
        }
        return List.copyOf(values);
    }
}
