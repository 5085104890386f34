/* The files that the code of an instance comes from. For files of this folder. */
#ifndef RF_WATCHED_H
#define RF_WATCHED_H

#include <stddef.h>

struct rf_instance;

/* If its runtime is to be watched. */
void rf_watched_add(struct rf_instance *i, const char *path, size_t len);
/* Looks at all of them: one that changed and then stayed as it is from one look to the next. NULL = none. */
const char *rf_watched_settled(struct rf_instance *i);
/* What has changed so far is known. */
void rf_watched_forget(struct rf_instance *i);
void rf_watched_free(struct rf_instance *i);

#endif
