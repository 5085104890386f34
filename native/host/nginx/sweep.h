/* The timer of a worker. For nginx.c. */
#ifndef RF_NGINX_SWEEP_H
#define RF_NGINX_SWEEP_H

/* To be called before the other. NULL, or why there can be none. */
const char *rf_nginx_sweep_prepare(void);
/* From now on lost callers are looked for, and resty_ffi_loop_tick is called. */
void rf_nginx_sweep_begin(void *subsystem);

#endif
