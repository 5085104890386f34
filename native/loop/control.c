/* Frames that must not be lost for want of room: a window that did not arrive would stop a stream for ever. */
#include "control.h"

#include <stdlib.h>

#include "../channel/block.h"
#include "../channel/requests.h"
#include "instance.h"

void rf_control_send(struct rf_instance *i, const struct rf_slot *s)
{
    if (!i->unsent_count && rf_requests_send(&i->q.ch, s))
        return;
    if (i->unsent_count == i->unsent_size) {
        uint32_t size = i->unsent_size ? 2 * i->unsent_size : 64;
        struct rf_slot *bigger = realloc(i->unsent, size * sizeof *bigger);
        if (!bigger) {
            rf_block_give(&i->q.ch, s->data);
            return;
        }
        i->unsent = bigger;
        i->unsent_size = size;
    }
    i->unsent[i->unsent_count++] = *s;
    /* A host that closed its loop is gone. */
    if (i->loop->unsent++ == 0 && !i->loop->closed)
        i->loop->host.tick(i->loop->host.host);
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
