package demo.grpc;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;

/**
 * Checks the fields of a request, and names the one that is wrong. JsonFormat does not name it, and
 * accepts 5 as a string.
 */
final class Fields {
    private Fields() {}

    static void check(JsonElement json, Descriptor type) {
        if (json == null || !json.isJsonObject()) {
            throw wrong("it", "should be an object, but is " + json);
        }
        check(json.getAsJsonObject(), type, "");
    }

    private static void check(JsonObject object, Descriptor type, String path) {
        object.asMap()
                .forEach(
                        (name, value) -> {
                            FieldDescriptor field = find(type, name);
                            if (field == null) {
                                throw wrong(path + name, "is not a field of " + type.getFullName());
                            }
                            if (!value.isJsonNull()) { // null means the default value
                                check(value, field, path + name);
                            }
                        });
    }

    private static void check(JsonElement value, FieldDescriptor field, String path) {
        if (field.isRepeated()) {
            return;
        }
        switch (field.getJavaType()) {
            case STRING -> {
                if (!value.isJsonPrimitive() || !value.getAsJsonPrimitive().isString()) {
                    throw wrong(path, "should be a string, but is " + value);
                }
            }
            case INT -> {
                if (!isInt(value)) {
                    throw wrong(path, "should be a whole number of 32 bits, but is " + value);
                }
            }
            case MESSAGE -> {
                if (!value.isJsonObject()) {
                    throw wrong(path, "should be an object, but is " + value);
                }
                check(value.getAsJsonObject(), field.getMessageType(), path + '.');
            }
            default -> {} // JsonFormat is strict with these
        }
    }

    private static boolean isInt(JsonElement value) {
        try {
            value.getAsBigDecimal().intValueExact();
            return true;
        } catch (ArithmeticException | NumberFormatException | UnsupportedOperationException e) {
            return false;
        }
    }

    private static FieldDescriptor find(Descriptor type, String name) {
        return type.getFields().stream()
                .filter(field -> name.equals(field.getName()) || name.equals(field.getJsonName()))
                .findFirst()
                .orElse(null);
    }

    private static IllegalArgumentException wrong(String path, String why) {
        return new IllegalArgumentException(path + ' ' + why);
    }
}
