/* Lines for error.log. */
#include "log.h"

#include <stdio.h>
#include <string.h>

#include "subsystem.h"

#define LONGEST 4096 /* nginx itself cuts at 2048, OpenResty at 4096 */

/*
 * Uses ngx_lua's function, which was compiled with this nginx's own headers: in Angie, ngx_log_error_core takes a file
 * name as well. The function takes no format.
 */
void rf_nginx_log(void *subsystem, int level, const char *runtime, const char *text, size_t len)
{
    const struct rf_nginx_subsystem *s = subsystem;
    char entry[LONGEST];
    size_t start = (size_t)snprintf(entry, sizeof entry / 2, "[resty-ffi] %s: ", runtime);
    if (start >= sizeof entry / 2)
        start = sizeof entry / 2 - 1;
    /*
     * Each line becomes its own entry, so that a text with line ends (a stack, a client's words) cannot forge entries.
     */
    for (const char *end = text + len; text <= end;) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t line = (size_t)((newline ? newline : end) - text);
        if (line && text[line - 1] == '\r')
            line--;
        size_t room = sizeof entry - start, taken = line < room ? line : room;
        memcpy(entry + start, text, taken);
        if (line)
            s->raw_log(NULL, level, entry, start + taken);
        if (!newline)
            break;
        text = newline + 1;
    }
}
