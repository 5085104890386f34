package io.github.restyffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;
import java.util.Map;

/** The configuration as a record. */
class JsonRecordsTest {
    enum Colour {
        RED,
        GREEN
    }

    record Point(int x, int y) {}

    record Everything(
            String text,
            boolean flag,
            Boolean boxed,
            int small,
            Long big,
            double real,
            Colour colour,
            Point point,
            List<Point> points,
            Map<String, List<Integer>> lists,
            Object any) {}

    record Checked(String name) {
        Checked {
            if (name == null) {
                throw new IllegalArgumentException("name is missing");
            }
        }
    }

    @Test
    void everyTypeIsDecoded() {
        Everything e =
                JsonRecords.decode(
                        """
                        { "text": "a\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00é", "flag": true,
                          "boxed": false, "small": -7, "big": 9007199254740993, "real": 1.5e3,
                          "colour": "GREEN", "point": {"x": 1, "y": 2}, "points": [{"y": 3}, {}],
                          "lists": {"a": [], "b": [1, 2]}, "any": [null, "x"], "unknown": {} }
                        """,
                        Everything.class);
        assertEquals("a\"\\/\b\f\n\r\té😀é", e.text);
        assertTrue(e.flag && !e.boxed);
        assertEquals(-7, e.small);
        assertEquals(9007199254740993L, e.big);
        assertEquals(1500, e.real);
        assertEquals(Colour.GREEN, e.colour);
        assertEquals(new Point(1, 2), e.point);
        assertEquals(List.of(new Point(0, 3), new Point(0, 0)), e.points);
        assertEquals(Map.of("a", List.of(), "b", List.of(1, 2)), e.lists);
        assertEquals("[null, x]", e.any.toString());
    }

    @Test
    void whatIsMissingIsNullOrZero() {
        Everything nothing =
                new Everything(null, false, null, 0, null, 0, null, null, null, null, null);
        assertEquals(nothing, JsonRecords.decode(null, Everything.class));
        assertEquals(nothing, JsonRecords.decode("", Everything.class));
        assertEquals(
                nothing, JsonRecords.decode("{\"text\":null,\"small\":null}", Everything.class));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    {"x": 1,}            | line 1, column 9: a name in quotes
                    {"x" 1}              | line 1, column 6: ":"
                    {"x": 01}            | line 1, column 7: a value
                    {"x": 1              | line 1, column 8: ","
                    {"x": nul}           | a value
                    {"x": "un            | the end of a string
                    {"x": "\\q"}         | an escape sequence
                    {"x": "\\u12g4"}     | four hexadecimal digits
                    {} x                 | line 1, column 4: the end
                    []                   | Point should be an object, but is an array
                    {"x": "1"}           | Point.x should be a int, but is 1
                    {"x": 1.5}           | Point.x should be a whole number of type int, but is 1.5
                    {"x": 3000000000}    | a whole number of type int
                    {"x": {}}            | Point.x should be a int, but is an object
                    """)
    void whatIsWrongIsNamed(String text, String why) {
        RestyFfiException e =
                assertThrows(RestyFfiException.class, () -> JsonRecords.decode(text, Point.class));
        assertTrue(e.getMessage().contains(why), e.getMessage());
        assertEquals(Status.BAD_ARGUMENT, e.code());
    }

    @Test
    void theRecordMayRefuse() {
        RestyFfiException e =
                assertThrows(
                        RestyFfiException.class, () -> JsonRecords.decode("{}", Checked.class));
        assertTrue(e.getMessage().endsWith("Checked: name is missing"), e.getMessage());
        e =
                assertThrows(
                        RestyFfiException.class,
                        () -> JsonRecords.decode("{\"colour\":\"BLUE\"}", Everything.class));
        assertTrue(e.getMessage().contains("one of [RED, GREEN], but is BLUE"), e.getMessage());
    }

    @Test
    void depthIsLimited() {
        String deep = "[".repeat(100_000);
        assertThrows(RestyFfiException.class, () -> JsonRecords.decode(deep, Point.class));
    }
}
