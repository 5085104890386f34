package io.github.restyffi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;
import java.util.jar.JarOutputStream;
import java.util.zip.ZipEntry;

import javax.tools.ToolProvider;

class RuntimeClassLoaderTest {
    @TempDir Path dir;

    private String answer(String text) throws Exception {
        compile(dir, text);
        try (RuntimeClassLoader classes = new RuntimeClassLoader(dir.toString())) {
            return (String) classes.loadClass("hot.App").getMethod("answer").invoke(null);
        }
    }

    private static void compile(Path dir, String text) throws IOException {
        Path source = Files.createDirectories(dir.resolve("hot")).resolve("App.java");
        Files.writeString(
                source,
                "package hot; public class App { public static String answer() { return \"%s\"; } }"
                        .formatted(text));
        int rc =
                ToolProvider.getSystemJavaCompiler()
                        .run(null, null, null, "-d", dir.toString(), source.toString());
        assertEquals(0, rc, "the test's class compiles");
        Files.writeString(dir.resolve("hot/resource.txt"), text);
    }

    @Test
    void classesAreLoadedAsTheyAreNow() throws Exception {
        assertEquals("one", answer("one"));
        assertEquals("two", answer("two"));
    }

    @Test
    void resourcesAreTheAuthorsToo() throws Exception {
        compile(dir, "resource");
        try (RuntimeClassLoader classes = new RuntimeClassLoader(dir.toString())) {
            assertNotNull(classes.getResource("hot/resource.txt"));
        }
    }

    private void jar(String text) throws IOException {
        Path fresh = dir.resolve("fresh.jar");
        try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(fresh))) {
            jar.putNextEntry(new ZipEntry("resource.txt"));
            jar.write(text.getBytes());
        }
        Files.move(fresh, dir.resolve("app.jar"), StandardCopyOption.REPLACE_EXISTING);
    }

    private static String resource(ClassLoader classes) throws IOException {
        try (InputStream in = classes.getResourceAsStream("resource.txt")) {
            return new String(in.readAllBytes());
        }
    }

    @Test
    void oldAndNewJarsLiveSideBySide() throws Exception {
        String path = dir.resolve("app.jar").toString();
        jar("one");
        RuntimeClassLoader before = new RuntimeClassLoader(path);
        assertEquals("one", resource(before));
        jar("two");
        try (RuntimeClassLoader after = new RuntimeClassLoader(path)) {
            assertEquals("two", resource(after));
            before.close();
            assertEquals("two", resource(after));
            assertEquals(1, Collections.list(after.getResources("resource.txt")).size());
        }
    }

    @Test
    void theJdkAndThisPackageAreShared() throws Exception {
        String path = System.getProperty("java.class.path");
        try (RuntimeClassLoader classes = new RuntimeClassLoader(path)) {
            assertSame(String.class, classes.loadClass("java.lang.String"));
            assertSame(Config.class, classes.loadClass("io.github.restyffi.Config"));
            assertThrows(ClassNotFoundException.class, () -> classes.loadClass("no.such.Thing"));
        }
    }
}
