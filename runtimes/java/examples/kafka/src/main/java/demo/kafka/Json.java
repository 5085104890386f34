package demo.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import com.google.gson.JsonSyntaxException;
import com.google.gson.Strictness;
import com.google.gson.TypeAdapter;
import com.google.gson.TypeAdapterFactory;
import com.google.gson.reflect.TypeToken;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import com.google.gson.stream.MalformedJsonException;

import java.io.IOException;
import java.util.Locale;
import java.util.Map;

/** Reads and writes JSON. Records define the fields; their constructors check them. */
final class Json {
    private static final Gson GSON =
            new GsonBuilder()
                    .setFieldNamingPolicy(FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES)
                    .setStrictness(Strictness.STRICT)
                    .registerTypeAdapterFactory(new StrictTypes())
                    .disableHtmlEscaping()
                    .serializeNulls()
                    .create();

    private Json() {}

    static <T extends Record> T decode(byte[] json, Class<T> type) {
        try {
            T request = json == null ? null : GSON.fromJson(new String(json, UTF_8), type);
            if (request == null) {
                throw new JsonParseException("it should be an object");
            }
            return request;
        } catch (RuntimeException e) {
            throw Failures.badRequest("the request is wrong: " + why(e));
        }
    }

    static byte[] encode(Object answer) {
        return GSON.toJson(answer).getBytes(UTF_8);
    }

    private static String why(Throwable thrown) {
        Throwable t = thrown;
        while (t.getCause() != null) {
            t = t.getCause();
        }
        String text = String.valueOf(t.getMessage()).lines().findFirst().orElse("");
        int place = text.indexOf(" at line ");
        return t instanceof MalformedJsonException && place > 0
                ? "no JSON" + text.substring(place) // the text before it is advice for programmers
                : text;
    }

    /** Refuses "5" as a number and 5 as a string, which Gson accepts. */
    private static final class StrictTypes implements TypeAdapterFactory {
        private static final Map<Class<?>, JsonToken> TOKENS =
                Map.of(
                        String.class, JsonToken.STRING,
                        Integer.class, JsonToken.NUMBER,
                        Long.class, JsonToken.NUMBER,
                        int.class, JsonToken.NUMBER);

        @Override
        public <T> TypeAdapter<T> create(Gson gson, TypeToken<T> type) {
            JsonToken wanted = TOKENS.get(type.getRawType());
            if (wanted == null) {
                return null;
            }
            TypeAdapter<T> plain = gson.getDelegateAdapter(this, type);
            return new TypeAdapter<>() {
                @Override
                public T read(JsonReader in) throws IOException {
                    JsonToken is = in.peek();
                    if (is != wanted && is != JsonToken.NULL) {
                        String path = in.getPath().replaceAll("^\\$\\.|\\.$", "");
                        String type = wanted.name().toLowerCase(Locale.ROOT);
                        throw new JsonSyntaxException(path + " should be a " + type);
                    }
                    return plain.read(in);
                }

                @Override
                public void write(JsonWriter out, T value) throws IOException {
                    plain.write(out, value);
                }
            };
        }
    }
}
