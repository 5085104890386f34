/* The timer of a worker. For nginx.c. */
#ifndef RF_NGINX_SWEEP_H
#define RF_NGINX_SWEEP_H

/* To be called first. NULL, or a sentence that says why there is no timer. */
const char *rf_nginx_sweep_prepare(void);
/* Starts the timer: it looks for lost callers and calls resty_ffi_loop_tick while there is need. */
void rf_nginx_sweep_begin(void *subsystem);

#endif
