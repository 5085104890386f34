/*
 * The options of the JVM. In a worker the JVM is a guest: it has a small heap, and only the threads and signals that it
 * needs. The words of JAVA_OPTS come after our options and override them. An option of ours that contradicts one of
 * them (two collectors, an initial heap above the largest) is left out.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader.h"

static const struct {
    const char *option;
    const char *unless[4]; /* patterns of options that replace it */
} defaults[] = {
    {"-Xmx64m", {"-Xmx*", "-XX:Max*Heap*", "-XX:MaxRAM*"}},
    {"-Xms8m", {"-Xm[sx]*", "-XX:*Heap*", "-XX:*RAM*"}},
    {"-Xmn6m", {"-Xm[nx]*", "-XX:*New*", "-XX:+Use*GC"}},
    {"-XX:+UseSerialGC", {"-XX:+Use*GC"}},
    {"-XX:TieredStopAtLevel=1", {"-XX:*Tiered*", "-Xint"}}, /* C1 only: 40 MB less, and no slower here */
    {"-Xss512k", {"-Xss*", "-XX:ThreadStackSize*"}},
    {"-XX:MetaspaceSize=8m", {"-XX:*MetaspaceSize*"}}, /* classes that a reload has replaced go early */
    {"-Xshare:auto", {"-Xshare*"}},
    {"-Xrs", {NULL}},                                                 /* QUIT, TERM, INT and HUP stay the host's */
    {"-XX:+DisableAttachMechanism", {"-XX:?DisableAttachMechanism"}}, /* -Xrs would leave a socket in /tmp behind */
    {"-XX:-UsePerfData", {"-XX:?UsePerfData"}},
};

/* Splits text into words at white space outside of quotes, in place, and removes the quotes. */
static int words(char *text, const char **out, int max)
{
    int n = 0;
    while (n < max) {
        char quote = 0;
        text += strspn(text, " \t\r\n");
        if (!*text)
            break;
        char *to = text;
        out[n++] = text;
        for (; *text && (quote || !strchr(" \t\r\n", *text)); text++) {
            if (quote ? *text == quote : *text == '"' || *text == '\'') {
                quote = quote ? 0 : *text;
            } else {
                *to++ = *text;
            }
        }
        if (*text)
            text++;
        *to = 0;
    }
    return n;
}

static int replaced(const char *const *unless, const char *const *given, int n)
{
    for (int u = 0; u < 4 && unless[u]; u++) {
        for (int i = 0; i < n; i++) {
            if (fnmatch(unless[u], given[i], 0) == 0)
                return 1;
        }
    }
    return 0;
}

int jvm_options(const char *sdk_jar, JavaVMOption *out, int max, struct trouble *t)
{
    /* The JVM reads the last two itself; here they only decide which of our options they replace. */
    static const char *const sources[] = {"JAVA_OPTS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"};
    const char *given[256];
    const char *class_path = getenv("CLASSPATH");
    char *option;
    int n = 0, words_given = 0, ours = 0;

    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        const char *text = getenv(sources[i]);
        char *copy = text ? strdup(text) : NULL;
        if (copy)
            words_given += words(copy, given + words_given, 256 - words_given);
        if (i == 0)
            ours = words_given;
    }
    if (ours + (int)(sizeof defaults / sizeof *defaults) + 1 > max) {
        trouble_set(t, "JAVA_OPTS holds %d options, which is too many", ours);
        return -1;
    }
    if (asprintf(&option, "-Djava.class.path=%s%s%s", sdk_jar, class_path && *class_path ? ":" : "",
                 class_path ? class_path : "") < 0) {
        trouble_set(t, "no memory for the class path");
        return -1;
    }
    out[n++].optionString = option;
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        if (!replaced(defaults[i].unless, given, words_given))
            out[n++].optionString = (char *)defaults[i].option;
    }
    for (int i = 0; i < ours; i++)
        out[n++].optionString = (char *)given[i];
    return n;
}
