/*
 * Frames that must not be lost for want of room: a stream stops for ever when its window does not arrive. When the
 * queue is full, these frames wait in a list of the instance. A call reserves room in that list before it begins, so
 * the list does not depend on memory being left later.
 */
#include "control.h"

#include <stdlib.h>

#include "../channel/block.h"
#include "../channel/requests.h"
#include "logging.h"
#include "loop.h"

#define FEWEST 16u

bool rf_control_grow(struct rf_instance *i, uint32_t frames)
{
    uint32_t need = i->unsent_count + i->reserved + frames, size = i->unsent_size ? i->unsent_size : FEWEST;
    while (size < need)
        size *= 2;
    if (size == i->unsent_size)
        return true;
    struct rf_slot *bigger = realloc(i->unsent, size * sizeof *bigger);
    if (!bigger)
        return false;
    i->unsent = bigger;
    i->unsent_size = size;
    return true;
}

static void append(struct rf_instance *i, const struct rf_slot *s)
{
    i->unsent[i->unsent_count++] = *s;
    /* A host that has closed its loop is gone. */
    if (i->loop->unsent++ == 0 && !i->loop->closed)
        i->loop->host.tick(i->loop->host.host);
}

bool rf_control_try(struct rf_instance *i, const struct rf_slot *s)
{
    if (!i->unsent_count && rf_requests_send(&i->q.ch, s))
        return true;
    if (!rf_control_grow(i, 1))
        return false;
    append(i, s);
    return true;
}

void rf_control_send(struct rf_instance *i, const struct rf_slot *s)
{
    static const char lost[] =
        "a frame to the runtime is dropped because no memory is left: it takes no frames and causes new ones";
    if (rf_control_try(i, s))
        return;
    if (i->unsent_count < i->unsent_size) {
        append(i, s);
        return;
    }
    /* Only a child that breaks the rules of streams gets here: it causes more frames than its calls have reserved. */
    rf_block_give(&i->q.ch, s->data);
    rf_logging_line(i, RESTY_FFI_LOG_ALERT, lost, sizeof lost - 1);
}

void rf_control_flush(struct rf_instance *i)
{
    uint32_t sent = 0;
    while (sent < i->unsent_count && rf_requests_send(&i->q.ch, &i->unsent[sent]))
        sent++;
    for (uint32_t k = sent; k < i->unsent_count && sent; k++)
        i->unsent[k - sent] = i->unsent[k];
    i->unsent_count -= sent;
    i->loop->unsent -= sent;
}

void rf_control_drop(struct rf_instance *i)
{
    i->loop->unsent -= i->unsent_count;
    i->unsent_count = i->unsent_size = 0;
    free(i->unsent);
    i->unsent = NULL;
}
