package io.github.restyffi;

import org.jspecify.annotations.Nullable;

/**
 * What to load: {@code class,method,configuration}, with {@code ?} after the class for hot reload.
 * Only the first two commas separate, so that the configuration may contain commas. Without a
 * second comma the configuration is null.
 */
record Target(String className, boolean hot, String methodName, @Nullable String config) {
    static Target parse(@Nullable String text) {
        String[] parts = text == null ? new String[0] : text.split(",", 3);
        String className = parts.length > 0 ? parts[0].strip() : "";
        String methodName = parts.length > 1 ? parts[1].strip() : "";
        boolean hot = className.endsWith("?");
        if (hot) {
            className = className.substring(0, className.length() - 1).strip();
        }
        if (className.isEmpty() || methodName.isEmpty()) {
            throw new RestyFfiException(
                    Status.BAD_ARGUMENT,
                    "ffi_java is loaded with \"class,method,configuration\", such as \"demo.App,init,\", but was given %s"
                            .formatted(text == null ? "nil" : '"' + text + '"'));
        }
        return new Target(className, hot, methodName, parts.length > 2 ? parts[2] : null);
    }
}
