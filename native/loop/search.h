/* Where libraries are. */
#ifndef RF_SEARCH_H
#define RF_SEARCH_H

#include <stddef.h>

/* A path for dlopen in out; the bare name if it is in none of our places: dlopen searches the system's. */
void rf_search_find(const char *lib, char *out, size_t size);
/*
 * Why dlopen could not open what rf_search_find gave; reason: what dlerror says. Adds what that leaves out: the
 * library that needs another, the machine it is for, the places searched and what may not be read there.
 */
void rf_search_explain(const char *path, const char *reason, char *out, size_t size);
/* The folder of libresty_ffi.so itself. */
const char *rf_search_own_folder(void);

#endif
