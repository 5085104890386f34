/* The clock of all deadlines. Any thread. */
#ifndef RF_CLOCK_H
#define RF_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC in ns. */
uint64_t rf_clock_now(void);

#endif
