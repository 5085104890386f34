package io.github.restyffi;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.jspecify.annotations.Nullable;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.text.MessageFormat;
import java.util.ResourceBundle;

/** Sends log lines to the host as frames. */
final class QueueLogger implements HostLogger {
    private final String name;
    private final Outbox outbox;

    QueueLogger(String name, Outbox outbox) {
        this.name = name;
        this.outbox = outbox;
    }

    @Override
    public String getName() {
        return name;
    }

    @Override
    public boolean isLoggable(Level level) {
        return level != Level.OFF;
    }

    @Override
    public void log(
            Level level,
            @Nullable ResourceBundle bundle,
            @Nullable String message,
            @Nullable Throwable thrown) {
        if (isLoggable(level)) {
            String text = localized(bundle, message);
            send(number(level), thrown == null ? text : text + ": " + trace(thrown));
        }
    }

    @Override
    public void log(
            Level level,
            @Nullable ResourceBundle bundle,
            @Nullable String format,
            @Nullable Object @Nullable ... values) {
        if (isLoggable(level)) {
            send(number(level), formatted(localized(bundle, format), values));
        }
    }

    @Override
    public void notice(String message) {
        send(LogLevel.NOTICE, message);
    }

    @Override
    public void critical(String message) {
        send(LogLevel.CRIT, message);
    }

    private void send(int number, @Nullable String text) {
        Outgoing frame = new Outgoing();
        frame.kind = Kind.LOG;
        frame.status = number;
        frame.payload = String.valueOf(text).getBytes(UTF_8);
        outbox.send(frame);
    }

    private static int number(Level level) {
        return switch (level) {
            case ERROR -> LogLevel.ERR;
            case WARNING -> LogLevel.WARN;
            case ALL, INFO -> LogLevel.INFO;
            default -> LogLevel.DEBUG;
        };
    }

    private static @Nullable String localized(
            @Nullable ResourceBundle bundle, @Nullable String message) {
        return bundle != null && message != null && bundle.containsKey(message)
                ? bundle.getString(message)
                : message;
    }

    private static @Nullable String formatted(
            @Nullable String format, @Nullable Object @Nullable [] values) {
        if (format == null || values == null || values.length == 0) {
            return format;
        }
        try {
            return MessageFormat.format(format, values);
        } catch (IllegalArgumentException e) {
            return format; // its braces are not a pattern: unformatted, but not lost
        }
    }

    private static String trace(Throwable thrown) {
        StringWriter text = new StringWriter();
        thrown.printStackTrace(new PrintWriter(text));
        return text.toString().stripTrailing();
    }
}
