/* Libraries that end a worker, or keep it from its end. For nginx.c. */
#ifndef RF_NGINX_EXITS_H
#define RF_NGINX_EXITS_H

/* Before a library is loaded into the worker. */
void rf_nginx_exits_own(void *subsystem);
/* From here on exit handlers have a few seconds, then the worker ends without them. */
void rf_nginx_exits_bound(void);

#endif
