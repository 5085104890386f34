/*
 * Keeps the process's signals the host's when libraries run in it. For guard.c and thread.c.
 *
 * Threads of libraries block no signal, so the programs they start have a clean mask. The host's handlers still run on
 * its main thread only: our handlers stand before them and forward what arrives on other threads. Handlers of libraries
 * are remembered, and get the signals that the process sends to its own threads, and every SIGCHLD.
 */
#ifndef RF_SIGNALS_H
#define RF_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/* Names the functions that are to be replaced, see imports.h. Before rf_imports_in_host. */
void rf_signals_replace(void);
/* Takes the host's handlers. In the process that runs the libraries, before the first one. A second call does nothing.
 */
void rf_signals_begin(void);
/* The mask for a library's threads, from this thread's. */
void rf_signals_mask(sigset_t *mask);
/* Gives back to the host what libraries took behind our back. */
void rf_signals_restore(void);
/* The host's signals that libraries have asked for since the last call, as "SIGTERM, SIGHUP". False: none. */
bool rf_signals_asked(char *out, size_t size);

#endif
