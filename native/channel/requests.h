/*
 * Frames from the host to the runtime, and how a runtime waits for them. Any thread, unless a comment says otherwise.
 */
#ifndef RF_REQUESTS_H
#define RF_REQUESTS_H

#include "channel.h"

/* Host: sends a frame; its data is an offset. The loop's thread only. False = full. */
bool rf_requests_send(struct rf_channel *c, const struct rf_slot *frame);
/* Runtime: takes up to max frames without waiting. */
int rf_requests_take(const struct rf_channel *c, struct rf_slot *out, int max);
/* Runtime: whether a frame waits; may be true without need. */
bool rf_requests_waiting(const struct rf_channel *c);
/* Runtime: announces that it will sleep on the futex; look again, then sleep or give up. Returns the ticket for both.
 */
uint32_t rf_requests_doze(struct rf_channel *c);
/* 0, or ETIMEDOUT. */
int rf_requests_sleep(struct rf_channel *c, uint32_t ticket, int timeout_ms);
/* Gives up: for a thread that did not sleep or was not woken. */
void rf_requests_doze_end(struct rf_channel *c, uint32_t ticket);
/* Runtime: announces that it will wait for the descriptor; look again, then wait. */
void rf_requests_arm(struct rf_channel *c);
/* Wakes one sleeping thread, and those that wait for the descriptor. */
void rf_requests_wake_one(struct rf_channel *c);
/* Wakes all threads for good, once h->closed is set. */
void rf_requests_wake_all(struct rf_channel *c);

#endif
