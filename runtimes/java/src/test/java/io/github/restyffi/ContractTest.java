package io.github.restyffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.reflect.Field;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The numbers of the SDK and the layout of its frames are those of resty_ffi.h:
 * native/dist/contract.json has them from the C compiler. A number that only one side has fails,
 * too.
 */
class ContractTest {
    private static final Map<?, ?> CONTRACT = contract();
    private static final Map<?, ?> FRAME = at(CONTRACT, "structs", "resty_ffi_frame");

    @Test
    void kinds() throws Exception {
        assertEquals(header("resty_ffi_kind", "RESTY_FFI_"), sdk(Kind.class));
    }

    @Test
    void flags() throws Exception {
        // The loader sets COPY, in C.
        assertEquals(header("resty_ffi_flag", "RESTY_FFI_", "COPY"), sdk(Flag.class));
    }

    @Test
    void statuses() throws Exception {
        // A success needs no name.
        assertEquals(header("resty_ffi_status", "RESTY_FFI_", "OK"), sdk(Status.class));
    }

    @Test
    void logLevels() throws Exception {
        // EMERG and ALERT are for troubles of the host itself.
        Map<String, Integer> header = header("resty_ffi_level", "RESTY_FFI_LOG_", "EMERG", "ALERT");
        assertEquals(header, sdk(LogLevel.class));
    }

    @Test
    void dictOperations() throws Exception {
        assertEquals(header("resty_ffi_dict_op", "RESTY_FFI_DICT_"), sdk(DictOperation.class));
    }

    @Test
    void theLeastCostOfAMessage() {
        assertEquals(
                number(at(CONTRACT, "constants").get("RESTY_FFI_LEAST_COST")),
                StreamInFlight.LEAST_COST);
    }

    @Test
    void theSizeOfAFrame() {
        assertEquals(number(FRAME.get("size")), Frames.WORDS * Long.BYTES);
    }

    @Test
    void aFrameThatIsSentLiesAsInC() {
        Outgoing frame = new Outgoing();
        frame.id = 0x0102030405060708L;
        frame.kind = 0x1112;
        frame.flags = 0x2122;
        frame.status = -0x31323334;
        frame.payload = new byte[5];
        frame.deadline = 0x4142434445464748L;
        frame.method = 0x51525354;
        frame.zone = 0x61626364;
        frame.arg = 0x7172737475767778L;
        Frames frames = new Frames();
        frames.put(1, frame);
        Map<String, Long> expected = new TreeMap<>();
        expected.put("id", frame.id);
        expected.put("kind", (long) frame.kind);
        expected.put("flags", (long) frame.flags);
        expected.put("status", (long) frame.status);
        expected.put("data", 0L);
        expected.put("len", 5L);
        expected.put("deadline", frame.deadline);
        expected.put("method", (long) frame.method);
        expected.put("zone", (long) frame.zone);
        expected.put("arg", frame.arg);
        expected.put("release", 0L);
        assertEquals(expected, fields(frames, 1));
    }

    @Test
    void anAnswerTakesOverTheMemoryOfItsRequestOrReleasesIt() {
        Frames frames = new Frames();
        frames.answer(0, 7, 0, new byte[5], 4096, 5);
        frames.answer(1, 7, 0, new byte[6], 4096, 5);
        assertEquals(4096, fields(frames, 0).get("data"));
        assertEquals(0, fields(frames, 0).get("release"));
        assertEquals(0, fields(frames, 1).get("data"));
        assertEquals(4096, fields(frames, 1).get("release"));
    }

    @Test
    void aFrameThatIsReceivedIsReadAsInC() {
        ByteBuffer memory = ByteBuffer.allocate(Frames.WORDS * Long.BYTES);
        memory.order(ByteOrder.nativeOrder());
        memory.putLong(offset("id"), 0x0102030405060708L);
        memory.putShort(offset("kind"), (short) 0x1112);
        memory.putShort(offset("flags"), (short) Flag.NIL);
        memory.putInt(offset("status"), -0x31323334);
        memory.putLong(offset("data"), 4096);
        memory.putLong(offset("len"), 5);
        memory.putLong(offset("deadline"), 0x4142434445464748L);
        memory.putInt(offset("method"), 0x51525354);
        memory.putInt(offset("zone"), 1);
        memory.putLong(offset("arg"), 0x7172737475767778L);
        Frames frames = new Frames();
        memory.asLongBuffer().get(frames.words, Frames.WORDS, Frames.WORDS);
        assertEquals(0x0102030405060708L, frames.id(1));
        assertEquals(0x1112, frames.kind(1));
        assertTrue(frames.is(1, Flag.NIL));
        assertEquals(-0x31323334, frames.status(1));
        assertEquals(4096, frames.data(1));
        assertEquals(5, frames.length(1));
        assertEquals(0x4142434445464748L, frames.deadline(1));
        assertEquals(0x51525354, frames.method(1));
        assertTrue(frames.isWithoutPayload(1));
        assertEquals(0x7172737475767778L, frames.arg(1));
    }

    /** The numbers of an enum of the header by their names without the prefix. */
    private static Map<String, Integer> header(String name, String prefix, String... notForSdks) {
        Map<String, Integer> numbers = new TreeMap<>();
        for (Object constant : (List<?>) at(CONTRACT, "enums").get(name)) {
            String text = (String) constant;
            assertTrue(text.startsWith(prefix), text);
            numbers.put(
                    text.substring(prefix.length()), number(at(CONTRACT, "constants").get(text)));
        }
        for (String known : notForSdks) {
            assertTrue(numbers.keySet().remove(known), known + " is not in the header any more");
        }
        return numbers;
    }

    private static Map<String, Integer> sdk(Class<?> numbers) throws IllegalAccessException {
        Map<String, Integer> found = new TreeMap<>();
        for (Field field : numbers.getDeclaredFields()) {
            if (field.getType() == int.class) {
                found.put(field.getName(), field.getInt(null));
            }
        }
        return found;
    }

    /** What C sees in the fields of a frame. */
    private static Map<String, Long> fields(Frames frames, int i) {
        ByteBuffer memory = ByteBuffer.allocate(frames.words.length * Long.BYTES);
        memory.order(ByteOrder.nativeOrder()).asLongBuffer().put(frames.words);
        Map<String, Long> values = new TreeMap<>();
        for (Object name : at(FRAME, "fields").keySet()) {
            int from = i * number(FRAME.get("size")) + offset((String) name);
            int size = number(at(FRAME, "fields", (String) name).get("size"));
            values.put(
                    (String) name,
                    switch (size) {
                        case Long.BYTES -> memory.getLong(from);
                        case Integer.BYTES -> (long) memory.getInt(from);
                        case Short.BYTES -> (long) memory.getShort(from);
                        default -> throw new AssertionError(name + " has " + size + " bytes");
                    });
        }
        return values;
    }

    private static int offset(String field) {
        return number(at(FRAME, "fields", field).get("offset"));
    }

    private static int number(Object json) {
        return ((BigDecimal) json).intValueExact();
    }

    private static Map<?, ?> at(Map<?, ?> json, String... path) {
        Map<?, ?> found = json;
        for (String name : path) {
            found = (Map<?, ?>) found.get(name);
        }
        return found;
    }

    private static Map<?, ?> contract() {
        Path file = Path.of("../../native/dist/contract.json");
        try {
            return (Map<?, ?>) Json.parse(Files.readString(file));
        } catch (IOException e) {
            throw new AssertionError(file + " is not built: run npm run build in native first", e);
        }
    }
}
