package demo.etcd;

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

    static <T> List<T> list(String name, List<T> values) {
        if (values == null) {
            return List.of();
        }
        if (values.stream().anyMatch(Objects::isNull)) {
            throw Failures.badRequest(name + " should not hold null");
        }
        return List.copyOf(values);
    }

    static void leaseId(String name, String id) {
        try {
            Long.parseLong(required(name, id));
        } catch (NumberFormatException e) {
            throw Failures.badRequest(
                    "%s should be a lease's id, a number in quotes, but is \"%s\""
                            .formatted(name, id));
        }
    }
}
