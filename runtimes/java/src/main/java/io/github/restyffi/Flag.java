package io.github.restyffi;

/** The flags of a frame. */
final class Flag {
    /** Nothing follows in this direction. */
    static final int END = 1;

    /** There is no payload at all (Lua's nil), as opposed to an empty one. */
    static final int NIL = 2;

    private Flag() {}
}
