/* Descriptors in nginx's epoll. For files of this folder; main thread of a worker. */
#ifndef RF_NGINX_EVENT_H
#define RF_NGINX_EVENT_H

/* To be called first. NULL, or a sentence that says why nginx cannot watch for us. */
const char *rf_nginx_event_begin(void);
/* See struct resty_ffi_host. */
const char *rf_nginx_event_watch(void *host, int fd, void (*ready)(void *arg), void *arg, void **handle);
void rf_nginx_event_unwatch(void *host, void *handle);

#endif
