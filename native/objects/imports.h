/*
 * Functions that loaded objects call instead of those of libc. The host's objects are those that are there when the
 * first library is loaded into the process; whatever comes later is a runtime's. Objects of libc itself are not
 * touched.
 */
#ifndef RF_IMPORTS_H
#define RF_IMPORTS_H

#include <stdbool.h>

enum rf_objects { RF_HOST, RF_RUNTIMES };

/* The name must live as long as the process. Before the first library is loaded, on one thread. */
void rf_imports_replace(enum rf_objects whose, const char *name, void (*function)(void));
/*
 * In the host's objects; remembers which they are. A second call does nothing. False: it cannot be done on this
 * processor or was not allowed by the system.
 */
bool rf_imports_in_host(void);
/* In the runtimes' objects, if any have come since the last call; then true. Any thread. */
bool rf_imports_in_runtimes(void);

#endif
