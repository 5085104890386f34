/* What keeps host and libraries apart in one process: signals, and functions of libc that belong to the whole of it.
   For thread.c. */
#ifndef RF_GUARD_H
#define RF_GUARD_H

#include "../../loop/host.h"
#include "signals.h"

struct rf_instance;

/* Before a library is opened, on the loop's thread; all but the first call do nothing. */
void rf_guard_begin(struct rf_instance *i);
/* To be called after library code has run that may have loaded other libraries. Any thread. */
void rf_guard_look(void);
/* Logs which of the host's signals libraries have asked for. */
void rf_guard_report(struct rf_instance *i);

#endif
