/* Frames to a runtime that must not be lost. For files of this folder. */
#ifndef RF_CONTROL_H
#define RF_CONTROL_H

struct rf_instance;
struct rf_slot;

/* A frame that must arrive: it waits for room if the queue is full. Takes its payload in every case. */
void rf_control_send(struct rf_instance *i, const struct rf_slot *s);
void rf_control_flush(struct rf_instance *i);
void rf_control_drop(struct rf_instance *i);

#endif
