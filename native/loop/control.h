/* Frames to a runtime that must not be lost. For files of this folder. */
#ifndef RF_CONTROL_H
#define RF_CONTROL_H

#include "instance.h"

/* Makes room for this many frames besides the reserved ones. False = no memory. */
bool rf_control_grow(struct rf_instance *i, uint32_t frames);

/* A call begins, and up to this many of its frames may wait at a time. False = no memory. */
static inline bool rf_control_reserve(struct rf_instance *i, uint32_t frames)
{
    if (i->unsent_count + i->reserved + frames > i->unsent_size && !rf_control_grow(i, frames))
        return false;
    i->reserved += frames;
    return true;
}

/* The call has left its instance. */
static inline void rf_control_unreserve(struct rf_instance *i, uint32_t frames)
{
    i->reserved -= frames;
}

/*
 * Sends a frame without a reservation. False = the queue is full and no memory is left; the caller keeps the payload.
 */
bool rf_control_try(struct rf_instance *i, const struct rf_slot *s);
/* Sends a frame that a call has reserved. */
void rf_control_send(struct rf_instance *i, const struct rf_slot *s);
/* Sends waiting frames while the queue has room. */
void rf_control_flush(struct rf_instance *i);
/* Drops all waiting frames: the runtime takes no more. */
void rf_control_drop(struct rf_instance *i);

#endif
