/* Files whose change reloads a runtime. For files of this folder. */
#ifndef RF_WATCH_H
#define RF_WATCH_H

#include "host.h"

struct rf_instance;

void rf_watch_file(struct rf_instance *i, const char *path, size_t len);
void rf_watch_free(struct rf_instance *i);
bool rf_watch_look(resty_ffi_loop *l);

#endif
