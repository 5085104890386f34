/* Frames from the runtime to the host. For the queue and the loop. */
#ifndef RF_REPLIES_H
#define RF_REPLIES_H

#include "channel.h"

/* Runtime: sends n slots in order; their data are offsets. False = no slot was free within wait_ms. Any thread. */
bool rf_replies_send(const struct rf_channel *c, const struct rf_slot *frames, int n, int wait_ms);
/* Host: takes the list. Returns the number of replies; the oldest has the highest index. -1 = the list is damaged. */
int rf_replies_begin(struct rf_channel *c);
/* Host: copies a reply out and frees its slot. */
void rf_replies_take(struct rf_channel *c, int index, struct rf_slot *out);
/* Wakes the host. Any thread. */
void rf_replies_ring(const struct rf_channel *c);

#endif
