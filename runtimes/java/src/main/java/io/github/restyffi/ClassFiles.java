package io.github.restyffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.jspecify.annotations.Nullable;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Names the jars and class files of the author to the host, which may watch them. */
final class ClassFiles {
    private static final int MOST = 100_000;

    private ClassFiles() {}

    /** Names the files of a class path. */
    static void tell(String classPath, Outbox outbox) {
        Path ours = ours();
        for (String entry : classPath.split(File.pathSeparator)) {
            try {
                Path path = Path.of(entry).toAbsolutePath();
                if (!entry.isEmpty() && !path.equals(ours)) {
                    tellAll(path, outbox);
                }
            } catch (IOException | UncheckedIOException | InvalidPathException e) {
                continue; // an entry that cannot be read has no classes
            }
        }
    }

    /** Names a jar, or the classes of a folder. */
    private static void tellAll(Path path, Outbox outbox) throws IOException {
        if (Files.isRegularFile(path)) {
            tell(path, outbox);
        } else if (Files.isDirectory(path)) {
            try (Stream<Path> files = Files.walk(path)) {
                files.limit(MOST)
                        .filter(file -> file.toString().endsWith(".class"))
                        .forEach(file -> tell(file, outbox));
            }
        }
    }

    private static void tell(Path file, Outbox outbox) {
        Outgoing frame = new Outgoing();
        frame.kind = Kind.WATCH;
        frame.payload = file.toString().getBytes(UTF_8);
        outbox.send(frame);
    }

    /** Returns the jar of this library, which no reload replaces. */
    private static @Nullable Path ours() {
        try {
            return Path.of(
                            ClassFiles.class
                                    .getProtectionDomain()
                                    .getCodeSource()
                                    .getLocation()
                                    .toURI())
                    .toAbsolutePath();
        } catch (URISyntaxException e) {
            return null;
        }
    }
}
