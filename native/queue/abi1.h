/* Version 1 of a queue. For the owner of the queue. */
#ifndef RF_ABI1_H
#define RF_ABI1_H

struct rf_abi1;

/* NULL is fine. */
void rf_abi1_free(struct rf_abi1 *a);

#endif
