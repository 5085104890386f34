package io.github.restyffi;

import org.jspecify.annotations.Nullable;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Decodes JSON into records. */
final class JsonRecords {
    private static final String WRONG = "the configuration is not valid JSON for %s: %s";

    private JsonRecords() {}

    /** Decodes a JSON object. A null or blank text counts as an empty object. */
    static <T extends Record> T decode(@Nullable String text, Class<T> type) {
        try {
            Object json = text == null || text.isBlank() ? Map.of() : Json.parse(text);
            return type.cast(record(json, type, type.getSimpleName()));
        } catch (IllegalArgumentException e) {
            throw new RestyFfiException(
                    Status.BAD_ARGUMENT, WRONG.formatted(type.getName(), e.getMessage()), e);
        }
    }

    private static Object record(@Nullable Object json, Class<?> type, String where) {
        if (!(json instanceof Map<?, ?> map)) {
            throw misfit(where, "an object", json);
        }
        RecordComponent[] components = type.getRecordComponents();
        Class<?>[] types =
                Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        @Nullable Object[] values = new @Nullable Object[components.length];
        for (int i = 0; i < values.length; i++) {
            String name = components[i].getName();
            values[i] = decode(map.get(name), components[i].getGenericType(), where + '.' + name);
        }
        try {
            Constructor<?> constructor = type.getDeclaredConstructor(types);
            constructor.setAccessible(true); // the record need not be public
            return constructor.newInstance(values);
        } catch (InvocationTargetException e) {
            Throwable thrown = e.getTargetException();
            String why = thrown.getMessage();
            throw new IllegalArgumentException(where + ": " + (why == null ? thrown : why), thrown);
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException(where + ": " + e, e);
        }
    }

    private static @Nullable Object decode(@Nullable Object json, Type type, String where) {
        if (type instanceof WildcardType wildcard) {
            return decode(json, wildcard.getUpperBounds()[0], where);
        }
        Class<?> raw = (Class<?>) (type instanceof ParameterizedType p ? p.getRawType() : type);
        if (json == null) {
            return raw.isPrimitive() ? zero(raw, where) : null;
        }
        if (raw == List.class) {
            return list(json, argument(type, 0), where);
        }
        if (raw == Map.class) {
            return map(json, argument(type, 1), where);
        }
        return raw.isRecord() ? record(json, raw, where) : single(json, raw, where);
    }

    private static Type argument(Type type, int i) {
        return type instanceof ParameterizedType p ? p.getActualTypeArguments()[i] : Object.class;
    }

    private static List<@Nullable Object> list(Object json, Type type, String where) {
        if (!(json instanceof List<?> values)) {
            throw misfit(where, "an array", json);
        }
        List<@Nullable Object> list = new ArrayList<>();
        for (Object value : values) {
            list.add(decode(value, type, where + '[' + list.size() + ']'));
        }
        return Collections.unmodifiableList(list);
    }

    private static Map<String, @Nullable Object> map(Object json, Type type, String where) {
        if (!(json instanceof Map<?, ?> values)) {
            throw misfit(where, "an object", json);
        }
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        values.forEach(
                (name, value) -> map.put((String) name, decode(value, type, where + '.' + name)));
        return Collections.unmodifiableMap(map);
    }

    private static Object single(Object json, Class<?> type, String where) {
        if (type.isInstance(json)) {
            return json;
        }
        if (type.isEnum()) {
            return constant(json, type, where);
        }
        if (type == boolean.class && json instanceof Boolean) {
            return json;
        }
        if (!(json instanceof BigDecimal number)) {
            throw misfit(where, "a " + type.getSimpleName(), json);
        }
        try {
            if (type == int.class || type == Integer.class) {
                return number.intValueExact();
            }
            if (type == long.class || type == Long.class) {
                return number.longValueExact();
            }
            if (type == double.class || type == Double.class) {
                return number.doubleValue();
            }
        } catch (ArithmeticException e) {
            throw misfit(where, "a whole number of type " + type.getSimpleName(), json);
        }
        throw misfit(where, "a " + type.getSimpleName(), json);
    }

    private static Object constant(Object json, Class<?> type, String where) {
        for (Object constant : type.getEnumConstants()) {
            if (((Enum<?>) constant).name().equals(json)) {
                return constant;
            }
        }
        throw misfit(where, "one of " + Arrays.toString(type.getEnumConstants()), json);
    }

    private static Object zero(Class<?> type, String where) {
        if (type == boolean.class) {
            return false;
        }
        return single(BigDecimal.ZERO, type, where);
    }

    private static IllegalArgumentException misfit(
            String where, String wanted, @Nullable Object json) {
        String is =
                json instanceof Map ? "an object" : json instanceof List ? "an array" : "" + json;
        return new IllegalArgumentException(
                "%s should be %s, but is %s".formatted(where, wanted, is));
    }
}
