/* Reloads runtimes whose files change. For the loop's tick. */
#ifndef RF_WATCH_H
#define RF_WATCH_H

#include "host.h"

/* Checks the files when it is time. True while there is something to watch. */
bool rf_watch_look(resty_ffi_loop *l);

#endif
