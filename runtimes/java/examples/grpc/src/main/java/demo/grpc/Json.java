package demo.grpc;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonParseException;
import com.google.gson.Strictness;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;

import io.github.restyffi.RestyFfiException;
import io.grpc.Status;

/** Reads and writes messages as JSON, by the rules of protobuf. */
final class Json {
    private static final Gson STRICT = new GsonBuilder().setStrictness(Strictness.STRICT).create();
    private static final JsonFormat.Parser PARSER = JsonFormat.parser();
    private static final JsonFormat.Printer PRINTER =
            JsonFormat.printer()
                    .preservingProtoFieldNames()
                    .alwaysPrintFieldsWithNoPresence()
                    .omittingInsignificantWhitespace();

    private Json() {}

    @SuppressWarnings("unchecked") // a message is built from its prototype
    static <M extends Message> M decode(byte[] json, M prototype) {
        if (json == null) {
            throw bad(prototype, "it is nil", null);
        }
        String text = new String(json, UTF_8);
        Message.Builder builder = prototype.newBuilderForType();
        try {
            Fields.check(
                    STRICT.fromJson(text, JsonElement.class), prototype.getDescriptorForType());
            PARSER.merge(text, builder);
        } catch (JsonParseException e) {
            throw bad(prototype, "malformed" + place(e), e);
        } catch (IllegalArgumentException | InvalidProtocolBufferException e) {
            throw bad(prototype, e.getMessage(), e);
        }
        return (M) builder.build();
    }

    static byte[] encode(Message message) {
        try {
            return PRINTER.print(message).getBytes(UTF_8);
        } catch (InvalidProtocolBufferException e) { // an Any of an unknown type
            throw new RestyFfiException(Status.Code.INTERNAL.value(), e.getMessage(), e);
        }
    }

    /** Returns the place where Gson stopped; the rest of its message is for programmers. */
    private static String place(JsonParseException e) {
        int at = e.getMessage().indexOf(" at line ");
        return at < 0 ? "" : e.getMessage().substring(at).lines().findFirst().orElse("");
    }

    private static RestyFfiException bad(Message prototype, String why, Exception cause) {
        String type = prototype.getDescriptorForType().getFullName();
        return new RestyFfiException(
                Status.Code.INVALID_ARGUMENT.value(),
                "the request is not a %s in JSON: %s".formatted(type, why),
                cause);
    }
}
