package io.github.restyffi;

/** What a frame of kind {@link Kind#DICT} asks of a shared dict. */
final class DictOperation {
    static final int GET = 1;
    static final int SET = 2;
    static final int INCR = 3;
    static final int DELETE = 4;
    static final int ADD = 5;

    private DictOperation() {}
}
