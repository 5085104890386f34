package io.github.restyffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** The jars and class files that the author's code comes from; the host may watch them. */
final class ClassFiles {
    private static final int MOST = 10_000; // as many as a host watches

    private ClassFiles() {}

    /** Names them to the host. */
    static void tell(String classPath, Outbox outbox) {
        Path ours = ours();
        for (String entry : classPath.split(File.pathSeparator)) {
            Path path = Path.of(entry).toAbsolutePath();
            if (Files.isDirectory(path)) {
                tellAll(path, outbox);
            } else if (Files.isRegularFile(path) && !path.equals(ours)) {
                tell(path, outbox);
            }
        }
    }

    private static void tellAll(Path folder, Outbox outbox) {
        try (Stream<Path> files = Files.walk(folder)) {
            files.filter(file -> file.toString().endsWith(".class"))
                    .limit(MOST)
                    .forEach(file -> tell(file, outbox));
        } catch (IOException | UncheckedIOException e) {
            // a folder that cannot be read holds no classes of use
        }
    }

    private static void tell(Path file, Outbox outbox) {
        Outgoing frame = new Outgoing();
        frame.kind = Frames.WATCH;
        frame.payload = file.toString().getBytes(UTF_8);
        outbox.send(frame);
    }

    /** The jar of this library, which no reload replaces. */
    private static Path ours() {
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
