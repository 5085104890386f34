/* Frames from the host to the runtime, and how a runtime waits for them. Any thread, but for what says otherwise. */
#ifndef RF_REQUESTS_H
#define RF_REQUESTS_H

#include "channel.h"

/* Host: one frame, whose data is an offset. The loop's thread only. False = full. */
bool rf_requests_send(struct rf_channel *c, const struct rf_slot *frame);
/* Runtime: up to max frames, does not wait. */
int rf_requests_take(const struct rf_channel *c, struct rf_slot *out, int max);
/* Runtime: whether there is one to take. An old view may say so for nothing. */
bool rf_requests_waiting(const struct rf_channel *c);
/* Runtime: announces that it will sleep on the futex; look again, then sleep or give up. Returns the ticket for both.
 */
uint32_t rf_requests_doze(struct rf_channel *c);
/* 0, or ETIMEDOUT. */
int rf_requests_sleep(struct rf_channel *c, uint32_t ticket, int timeout_ms);
/* Gives up: for one that did not sleep, or that nobody woke. */
void rf_requests_doze_end(struct rf_channel *c, uint32_t ticket);
/* Runtime: announces that it will wait for the descriptor; look again, then wait. */
void rf_requests_arm(struct rf_channel *c);
/* Wakes one that sleeps, and those that wait for the descriptor. */
void rf_requests_wake_one(struct rf_channel *c);
/* Wakes everybody, for good (after h->closed is set). */
void rf_requests_wake_all(struct rf_channel *c);

#endif
