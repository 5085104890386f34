/* Requests of runtimes to the shared dicts of their host. For dispatch.c. */
#ifndef RF_DICT_H
#define RF_DICT_H

struct rf_instance;
struct rf_slot;

/* Has the host answer a DICT frame, and sends the answer back. */
void rf_dict_serve(struct rf_instance *i, const struct rf_slot *s);

#endif
