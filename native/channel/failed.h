/* Texts of failed system calls. Any file, any thread. */
#ifndef RF_FAILED_H
#define RF_FAILED_H

#include <stddef.h>

/*
 * "CALL failed: Too many open files (EMFILE); …": the reason that the system gives and, where it is unambiguous, what
 * to change. error: an errno. Returns out.
 */
const char *rf_failed(char *out, size_t size, const char *call, int error);

#endif
