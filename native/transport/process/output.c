/* stdout and stderr of a child process: line by line into the host's log. */
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "supervisor.h"

#define READS 16  /* in a round: a child that never stops printing must not hold up the others */
#define ROUNDS 64 /* after its end: a pipe holds no more, and a program that it started may still print */

/* Keeps the end of a line, made printable. */
static void remember(struct rf_child *c, const char *text, size_t len)
{
    const size_t room = sizeof c->words - 1;
    char line[RF_LAST_WORDS];
    size_t from = len > sizeof line - 3 ? len - (sizeof line - 3) : 0, n = 0;
    while (from && from < len && ((unsigned char)text[from] & 0xc0) == 0x80)
        from++; /* not in the middle of a character */
    if (c->words_len)
        n = (size_t)snprintf(line, sizeof line, " | ");
    for (size_t k = from; k < len; k++)
        line[n++] = (unsigned char)text[k] < ' ' || text[k] == 127 ? ' ' : text[k];
    size_t drop = c->words_len + n > room ? c->words_len + n - room : 0;
    while (drop && drop < c->words_len && ((unsigned char)c->words[drop] & 0xc0) == 0x80)
        drop++;
    memmove(c->words, c->words + drop, c->words_len - drop);
    memcpy(c->words + c->words_len - drop, line, n);
    c->words_len += n - drop;
    c->words[c->words_len] = 0;
}

static void add_line(struct rf_child *c, int level, const char *text, size_t len)
{
    if (len && text[len - 1] == '\r')
        len--;
    if (!len)
        return;
    rf_logging_add(c->instance, level, text, len);
    if (!c->ready)
        remember(c, text, len);
}

static void split(struct rf_child *c, struct rf_output *o, bool end)
{
    char *at = o->text, *newline;
    size_t left = o->len;
    while ((newline = memchr(at, '\n', left))) {
        add_line(c, o->level, at, (size_t)(newline - at));
        left -= (size_t)(newline - at) + 1;
        at = newline + 1;
    }
    if (end || left == sizeof o->text) {
        add_line(c, o->level, at, left);
        left = 0;
    }
    memmove(o->text, at, left);
    o->len = left;
}

static bool read_one(struct rf_child *c, struct rf_output *o, bool end)
{
    bool some = false;
    for (int k = 0; o->fd >= 0 && k < READS; k++) {
        ssize_t n = read(o->fd, o->text + o->len, sizeof o->text - o->len);
        if (n > 0) {
            o->len += (size_t)n;
            split(c, o, false);
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
        split(c, o, true);
        some = true;
    }
    return some;
}

bool rf_output_read(struct rf_child *c, bool end)
{
    bool some = read_one(c, &c->output[0], end);
    some |= read_one(c, &c->output[1], end);
    if (some)
        rf_instance_news(c->instance, RF_NEWS_OUTPUT, NULL, 0);
    return some;
}

void rf_output_rest(struct rf_child *c)
{
    for (int k = 0; k < ROUNDS && rf_output_read(c, false); k++)
        ;
    rf_output_read(c, true);
}
