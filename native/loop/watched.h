/* The files that the code of an instance comes from. For files of this folder. */
#ifndef RF_WATCHED_H
#define RF_WATCHED_H

#include <stddef.h>

struct rf_instance;

/* Adds a file, if the runtime is to be watched. */
void rf_watched_add(struct rf_instance *i, const char *path, size_t len);
/* Checks all files. Returns one that changed and was the same at two checks since. NULL = none. */
const char *rf_watched_settled(struct rf_instance *i);
/* Forgets the changes seen so far. */
void rf_watched_forget(struct rf_instance *i);
void rf_watched_free(struct rf_instance *i);

#endif
