/* Where libraries are. For files of this folder and for transports, any thread. */
#ifndef RF_SEARCH_H
#define RF_SEARCH_H

#include <stddef.h>

/* Writes a path for dlopen into out; the bare name when no place of ours has it, since dlopen searches the system's. */
void rf_search_find(const char *lib, char *out, size_t size);
/*
 * Explains why dlopen could not open the result of rf_search_find. reason: the text of dlerror. Adds what dlerror
 * leaves out: the library with the missing dependency, its machine, the places searched and unreadable files there.
 */
void rf_search_explain(const char *path, const char *reason, char *out, size_t size);
/* The folder of libresty_ffi.so itself. */
const char *rf_search_own_folder(void);

#endif
