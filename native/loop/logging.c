/*
 * What runtimes write into the host's log: through the SDK's logger or, in child processes, to stdout and stderr. A
 * limit per second keeps a runtime that logs in a loop from filling the disk; the lines left out are counted and
 * reported.
 */
#include "logging.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../channel/block.h"
#include "../channel/clock.h"
#include "../channel/lock.h"
#include "instance.h"

#define LINES_PER_SECOND 1000u
#define FAILURES_PER_SECOND 10u
#define MOST_OUTPUT 1000u /* lines that wait for the loop */

static void log_within(struct rf_instance *i, struct rf_logged *l, uint32_t most, int level, const char *text,
                       size_t len)
{
    struct resty_ffi_host *host = &i->loop->host;
    uint64_t second = rf_clock_now() / 1000000000u;
    if (second != l->second) {
        char dropped[80];
        int n = snprintf(dropped, sizeof dropped, "%u more lines within a second were left out", l->dropped);
        if (l->dropped)
            host->log(host->host, RESTY_FFI_LOG_WARN, i->name, dropped, (size_t)n);
        *l = (struct rf_logged){.second = second};
    }
    uint32_t lines = 1;
    for (size_t k = 0; k < len; k++)
        lines += text[k] == '\n';
    bool fits = l->lines < most;
    l->lines += lines;
    if (fits)
        host->log(host->host, level, i->name, text, len);
    else
        l->dropped += lines;
}

void rf_logging_line(struct rf_instance *i, int level, const char *text, size_t len)
{
    log_within(i, &i->logged, LINES_PER_SECOND, level, text, len);
}

void rf_logging_failure(struct rf_instance *i, const char *text, size_t len)
{
    log_within(i, &i->failed_one_way, FAILURES_PER_SECOND, RESTY_FFI_LOG_ERR, text, len);
}

void rf_logging_frame(struct rf_instance *i, const struct rf_slot *s)
{
    struct rf_channel *c = &i->q.ch;
    int level = s->status < RESTY_FFI_LOG_EMERG || s->status > RESTY_FFI_LOG_DEBUG ? RESTY_FFI_LOG_ERR : s->status;
    if (s->len && rf_block_valid(c, s->data, s->len))
        rf_logging_line(i, level, c->base + s->data, s->len);
    rf_block_give(c, s->data);
}

void rf_logging_add(struct rf_instance *i, int level, const char *text, size_t len)
{
    struct rf_line *line = malloc(sizeof *line + len);
    rf_lock_acquire(&i->lock);
    if (line && i->output_count < MOST_OUTPUT) {
        line->next = i->output;
        line->level = level;
        line->len = len;
        memcpy(line->text, text, len);
        i->output = line;
        i->output_count++;
        line = NULL;
    } else {
        i->output_lost++;
    }
    rf_lock_release(&i->lock);
    free(line);
}

static struct rf_line *take_output(struct rf_instance *i, uint32_t *lost)
{
    struct rf_line *oldest = NULL;
    rf_lock_acquire(&i->lock);
    for (struct rf_line *line = i->output, *next; line; line = next) {
        next = line->next;
        line->next = oldest;
        oldest = line;
    }
    *lost = i->output_lost;
    i->output = NULL;
    i->output_count = i->output_lost = 0;
    rf_lock_release(&i->lock);
    return oldest;
}

void rf_logging_output(struct rf_instance *i)
{
    uint32_t lost;
    struct rf_line *line = take_output(i, &lost);
    while (line) {
        struct rf_line *next = line->next;
        rf_logging_line(i, line->level, line->text, line->len);
        free(line);
        line = next;
    }
    i->logged.dropped += lost;
}

void rf_logging_free(struct rf_instance *i)
{
    uint32_t lost;
    for (struct rf_line *line = take_output(i, &lost), *next; line; line = next) {
        next = line->next;
        free(line);
    }
}
