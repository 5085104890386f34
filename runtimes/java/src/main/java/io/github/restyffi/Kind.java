package io.github.restyffi;

/** The kinds of frames. */
final class Kind {
    static final int CALL = 1;
    static final int DATA = 2;
    static final int CANCEL = 3;
    static final int WINDOW = 4;
    static final int LOG = 5;
    static final int DICT = 6;
    static final int WATCH = 7;

    private Kind() {}
}
