/* The end of a worker. For files of this folder; main thread of a worker. */
#ifndef RF_NGINX_SHUTDOWN_H
#define RF_NGINX_SHUTDOWN_H

#include <stdbool.h>

struct rf_nginx_subsystem;

/* Reads the worker_shutdown_timeout. To be called while there is a configuration. */
void rf_nginx_shutdown_note_timeout(void);
/* Cancels calls in flight when the time of an exiting worker is over. */
void rf_nginx_shutdown_end_calls(const struct rf_nginx_subsystem *s);
/* How long the end of a worker may take, in ms; and whether the stop is a fast one. */
int rf_nginx_shutdown_time(void);
bool rf_nginx_shutdown_hurry(void *subsystem);

#endif
