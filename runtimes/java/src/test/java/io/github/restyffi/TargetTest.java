package io.github.restyffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class TargetTest {
    @Test
    void onlyTheFirstTwoCommasSeparate() {
        assertEquals(
                new Target("demo.App", false, "init", "{\"a\":1,\"b\":[2,3]}"),
                Target.parse("demo.App,init,{\"a\":1,\"b\":[2,3]}"));
    }

    @Test
    void aQuestionMarkAsksForHotReload() {
        assertEquals(new Target("demo.App", true, "init", ""), Target.parse("demo.App?,init,"));
    }

    @Test
    void noSecondCommaIsNoConfiguration() {
        assertEquals(new Target("demo.App", false, "init", null), Target.parse("demo.App,init"));
    }

    @ParameterizedTest
    @NullSource
    @ValueSource(strings = {"", ",", "demo.App", "demo.App,", ",init,x", "?,init,x", "demo.App,,x"})
    void anythingElseIsExplained(String text) {
        RestyFfiException e = assertThrows(RestyFfiException.class, () -> Target.parse(text));
        assertTrue(e.getMessage().contains("class,method,configuration"), e.getMessage());
    }
}
