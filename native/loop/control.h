/* Frames to a runtime that must not be lost. For files of this folder. */
#ifndef RF_CONTROL_H
#define RF_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

struct rf_instance;
struct rf_slot;

/* A call begins: so many of its frames may have to wait at a time. False = there is no memory for them. */
bool rf_control_reserve(struct rf_instance *i, uint32_t frames);
/* It has left its instance. */
void rf_control_unreserve(struct rf_instance *i, uint32_t frames);
/* Sends one for which nothing is reserved. False = there is no memory for it to wait; its payload is the caller's. */
bool rf_control_try(struct rf_instance *i, const struct rf_slot *s);
/* Sends one of those that a call has reserved. */
void rf_control_send(struct rf_instance *i, const struct rf_slot *s);
/* Sends those that wait, as far as the queue has room now. */
void rf_control_flush(struct rf_instance *i);
/* The runtime takes no more. */
void rf_control_drop(struct rf_instance *i);

#endif
