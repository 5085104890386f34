package io.github.restyffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.junit.jupiter.api.Test;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;

/**
 * The classes of the SDK depend on each other in one direction. A nested class counts as its outer
 * one.
 */
class CirclesTest {
    private static final Pattern DEPENDENCY =
            Pattern.compile(
                    "io\\.github\\.restyffi\\.(\\w+)\\S* +-> io\\.github\\.restyffi\\.(\\w+)");

    @Test
    void noClassDependsOnItselfThroughOthers() {
        Map<String, Set<String>> dependencies = dependencies();
        assertFalse(dependencies.isEmpty(), "jdeps found nothing");
        do {
            dependencies.values().forEach(others -> others.retainAll(dependencies.keySet()));
        } while (dependencies.values().removeIf(Set::isEmpty));
        assertEquals(Map.of(), dependencies, "the circles, and what depends on them");
    }

    private static Map<String, Set<String>> dependencies() {
        StringWriter output = new StringWriter();
        PrintWriter printer = new PrintWriter(output);
        int code =
                ToolProvider.findFirst("jdeps")
                        .orElseThrow()
                        .run(printer, printer, "-verbose:class", "-filter:none", "target/classes");
        assertEquals(0, code, output::toString);
        Map<String, Set<String>> dependencies = new TreeMap<>();
        for (Matcher line = DEPENDENCY.matcher(output.toString()); line.find(); ) {
            if (!line.group(1).equals(line.group(2))) {
                dependencies
                        .computeIfAbsent(line.group(1), name -> new TreeSet<>())
                        .add(line.group(2));
            }
        }
        return dependencies;
    }
}
