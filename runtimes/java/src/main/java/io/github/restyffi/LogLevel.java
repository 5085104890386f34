package io.github.restyffi;

/** The host's log levels, as a frame of kind {@link Kind#LOG} carries them. */
final class LogLevel {
    static final int CRIT = 3;
    static final int ERR = 4;
    static final int WARN = 5;
    static final int NOTICE = 6;
    static final int INFO = 7;
    static final int DEBUG = 8;

    private LogLevel() {}
}
