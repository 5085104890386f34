package io.github.restyffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.jspecify.annotations.Nullable;

import java.io.File;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;

/** Explains why a runtime was not loaded, and what to change. */
final class LoadFailure {
    private LoadFailure() {}

    /** Tells the host why, and logs the stack trace unless the message says all. */
    static void tell(Throwable thrown, Queue queue) {
        Throwable t = Failure.unwrap(thrown);
        String text = new String(Failure.text(t), UTF_8);
        try {
            if (!(t instanceof RestyFfiException)) {
                new QueueLogger(queue.name(), new Outbox(queue))
                        .log(System.Logger.Level.ERROR, "loading failed", t);
            }
            text += initialiser(t);
            if (isNotFound(t)) {
                text += searched(t.getMessage(), System.getProperty("java.class.path"));
            }
        } catch (Throwable more) {
            // There is no memory, or the exception of the author throws: the reason must suffice.
        }
        queue.fail(text);
    }

    static RestyFfiException notFound(String className, String classPath) {
        return new RestyFfiException(
                Status.BAD_ARGUMENT,
                "class %s%s".formatted(className, searched(className, classPath)));
    }

    /** Names the static initialiser that threw, if one did. */
    private static String initialiser(Throwable thrown) {
        return Arrays.stream(thrown.getStackTrace())
                .filter(frame -> frame.getMethodName().equals("<clinit>"))
                .findFirst()
                .map(
                        frame ->
                                " (in the static initialiser of %s, %s:%d)"
                                        .formatted(
                                                frame.getClassName(),
                                                frame.getFileName(),
                                                frame.getLineNumber()))
                .orElse("");
    }

    /** Whether a class is missing. Then the message is its name; else its file is damaged. */
    private static boolean isNotFound(Throwable thrown) {
        return (thrown instanceof ClassNotFoundException || thrown instanceof NoClassDefFoundError)
                && String.valueOf(thrown.getMessage()).matches("[\\w$./]+");
    }

    /** Names the class path, and the entries that cannot be used. */
    private static String searched(@Nullable String className, String classPath) {
        String file = String.valueOf(className).replace('.', '/') + ".class";
        String troubles =
                Arrays.stream(classPath.split(File.pathSeparator))
                        .filter(entry -> !entry.isEmpty())
                        .map(entry -> trouble(entry, file))
                        .collect(Collectors.joining());
        return " was not found on the class path \"%s\"%s: set CLASSPATH (in nginx: env CLASSPATH=...;)"
                .formatted(classPath, troubles);
    }

    private static String trouble(String entry, String file) {
        try {
            Path path = Path.of(entry);
            if (Boolean.TRUE.equals(Files.readAttributes(path, "isDirectory").get("isDirectory"))) {
                path = path.resolve(file);
                Files.readAttributes(path, "size");
            }
            return Files.isReadable(path) ? "" : closed(path);
        } catch (AccessDeniedException e) {
            return closed(Path.of(e.getFile()));
        } catch (NoSuchFileException e) {
            return e.getFile().equals(entry) ? "; " + entry + " does not exist" : "";
        } catch (IOException | InvalidPathException e) {
            return "; " + entry + " cannot be read: " + e.getMessage();
        }
    }

    /** Names the first folder of the path that is closed to this user. */
    private static String closed(Path path) {
        Path at = path.toAbsolutePath();
        while (at.getParent() != null && !Files.isExecutable(at.getParent())) {
            at = at.getParent();
        }
        return "; this process's user (%s) has no permission for %s"
                .formatted(System.getProperty("user.name"), at);
    }
}
