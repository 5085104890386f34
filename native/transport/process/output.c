/* stdout and stderr of a child process: line by line into the host's log. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "supervisor.h"

#define READS 16 /* in a round: a child that never stops printing must not hold up the others */

static void add_line(struct rf_instance *i, int level, const char *text, size_t len)
{
    if (len && text[len - 1] == '\r')
        len--;
    if (len)
        rf_output_add(i, level, text, len);
}

static void split(struct rf_instance *i, struct rf_output *o, bool end)
{
    char *at = o->text, *newline;
    size_t left = o->len;
    while ((newline = memchr(at, '\n', left))) {
        add_line(i, o->level, at, (size_t)(newline - at));
        left -= (size_t)(newline - at) + 1;
        at = newline + 1;
    }
    if (end || left == sizeof o->text) {
        add_line(i, o->level, at, left);
        left = 0;
    }
    memmove(o->text, at, left);
    o->len = left;
}

static bool read_one(struct rf_instance *i, struct rf_output *o, bool end)
{
    bool some = false;
    for (int k = 0; o->fd >= 0 && k < READS; k++) {
        ssize_t n = read(o->fd, o->text + o->len, sizeof o->text - o->len);
        if (n > 0) {
            o->len += (size_t)n;
            split(i, o, false);
            some = true;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0 || errno != EAGAIN) {
            close(o->fd);
            o->fd = -1;
            end = true;
        }
        break;
    }
    if (end && o->len) {
        split(i, o, true);
        some = true;
    }
    return some;
}

void rf_output_read(struct rf_child *c, bool end)
{
    bool some = read_one(c->instance, &c->output[0], end);
    some |= read_one(c->instance, &c->output[1], end);
    if (some)
        rf_instance_news(c->instance, RF_NEWS_OUTPUT, NULL, 0);
}
