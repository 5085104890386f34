/* The start of a child process. For the supervisor's thread. */
#ifndef RF_SPAWN_H
#define RF_SPAWN_H

#include <stddef.h>

struct rf_child;

/* Starts resty-ffi-run for a child. NULL, or an error text. */
const char *rf_spawn(struct rf_child *c, char *error, size_t size);

#endif
