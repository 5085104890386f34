package io.github.restyffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.InterruptedIOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.channels.ClosedByInterruptException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Turns a throwable into the code and the text that the caller gets. */
final class Failure {
    /** Made in advance, because there may be no memory for it later. */
    private static final byte[] NO_MEMORY =
            "java.lang.OutOfMemoryError: the JVM is out of memory; raise its limit with JAVA_OPTS=-Xmx..."
                    .getBytes(UTF_8);

    private Failure() {}

    /** Removes the wrappers that futures and reflection put around an exception. */
    static Throwable unwrap(Throwable thrown) {
        Throwable t = thrown;
        while (isWrapper(t) && t.getCause() != null) {
            t = t.getCause();
        }
        return t;
    }

    private static boolean isWrapper(Throwable t) {
        return t instanceof CompletionException
                || t instanceof ExecutionException
                || t instanceof InvocationTargetException
                || t instanceof ExceptionInInitializerError;
    }

    static int status(Throwable thrown, boolean cancelled) {
        if (thrown instanceof RestyFfiException e) {
            return e.code();
        }
        if (thrown instanceof CancellationException || cancelled && isInterruption(thrown)) {
            return Status.CANCELLED;
        }
        return Status.THREW;
    }

    /** Logs an unexpected exception with its stack trace; the caller gets only its text. */
    static void log(System.Logger log, String method, Throwable thrown, int status) {
        if (status != Status.THREW || thrown instanceof RestyFfiException) {
            return;
        }
        try {
            log.log(System.Logger.Level.ERROR, "method \"" + method + "\" threw", thrown);
        } catch (Throwable t) {
            // There is no memory for a trace, or printing it throws: the caller gets its answer.
        }
    }

    static byte[] text(Throwable thrown) {
        try {
            if (thrown instanceof OutOfMemoryError) {
                return NO_MEMORY;
            }
            String text =
                    thrown instanceof RestyFfiException ? thrown.getMessage() : thrown.toString();
            if (text == null) {
                return new byte[0];
            }
            if (thrown instanceof UnsupportedClassVersionError) {
                text += compiledFor(text);
            }
            return text.getBytes(UTF_8);
        } catch (OutOfMemoryError e) {
            return NO_MEMORY;
        } catch (Throwable e) { // toString and getMessage are code of the author
            return thrown.getClass().getName().getBytes(UTF_8);
        }
    }

    /** Explains the version of a class file, which is that of Java plus 44. */
    private static String compiledFor(String text) {
        Matcher version = Pattern.compile("class file version (\\d+)").matcher(text);
        return version.find()
                ? " (it was compiled for Java %d, this is Java %d: compile it by javac --release %2$d, or set JAVA_HOME to a newer one)"
                        .formatted(
                                Integer.parseInt(version.group(1)) - 44,
                                Runtime.version().feature())
                : "";
    }

    private static boolean isInterruption(Throwable thrown) {
        return thrown instanceof InterruptedException
                || thrown instanceof InterruptedIOException
                || thrown instanceof ClosedByInterruptException;
    }
}
