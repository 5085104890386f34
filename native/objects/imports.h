/*
 * Replaces functions of libc that loaded objects call. The host's objects are those that are there when the first
 * library is loaded into the process; later ones are the runtimes'. Objects of libc itself are not touched. For
 * transport/thread and host/nginx.
 */
#ifndef RF_IMPORTS_H
#define RF_IMPORTS_H

#include <stdbool.h>

enum rf_objects { RF_HOST, RF_RUNTIMES };

/* The name must live as long as the process. Before the first library is loaded, on one thread. */
void rf_imports_replace(enum rf_objects whose, const char *name, void (*function)(void));
/*
 * Replaces in the host's objects, and remembers which they are. A second call does nothing. False: not possible on this
 * processor, or not allowed by the system.
 */
bool rf_imports_in_host(void);
/* Replaces in the runtimes' objects if there are new ones since the last call; true then. Any thread. */
bool rf_imports_in_runtimes(void);

#endif
