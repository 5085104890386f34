/*
 * The JVM takes its encodings (sun.jnu.encoding of file names and arguments, native.encoding, stdout.encoding, on 17
 * the default charset) from the locale, and no option changes that. nginx removes the environment, so the locale is
 * ASCII. The JVM asks nl_langinfo, which answers for the calling thread. So the thread that creates the JVM gets a
 * UTF-8 locale of its own.
 *
 * The JVM also calls setlocale(LC_ALL, ""), to learn the user's language. That changes the locale of the whole process,
 * so it is put back: a host that runs in "C" must not begin to write decimal commas.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "loader.h"

static char *host_locale; /* the host's own; freed by locale_leave */

void locale_enter(void)
{
    static const char *const names[] = {"C.UTF-8", "C.utf8", "en_US.UTF-8"};
    const char *now = setlocale(LC_ALL, NULL);
    host_locale = now ? strdup(now) : NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        locale_t utf8 = newlocale(LC_CTYPE_MASK, names[i], (locale_t)0);
        if (utf8) {
            uselocale(utf8); /* stays this thread's, as the thread stays the JVM's */
            return;
        }
    }
}

void locale_leave(void)
{
    if (host_locale)
        setlocale(LC_ALL, host_locale);
    free(host_locale);
    host_locale = NULL;
}
