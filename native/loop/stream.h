/* Streams beside their calls. For files of this folder. */
#ifndef RF_STREAM_H
#define RF_STREAM_H

#include <stdbool.h>
#include <stdint.h>

struct rf_instance;
struct rf_slot;

struct rf_message {
    uint64_t block, len;
    bool nil;
};

/* What a stream has beside its call. */
struct rf_stream {
    int64_t window;              /* what we may send */
    int64_t granted;             /* what the runtime may send */
    uint64_t due;                /* consumed since the last WINDOW frame */
    struct rf_message *messages; /* ring of messages that the host has not taken yet */
    uint32_t size, head, count;
    struct rf_message current; /* what call.data points to */
    bool closed;               /* we have sent END */
    bool refused;              /* the host waits for a window */
    struct rf_message last;    /* the message that comes with the final status */
    int32_t status;
};

/* A WINDOW frame. */
void rf_stream_window(struct rf_instance *i, const struct rf_slot *s);

#endif
