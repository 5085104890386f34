/* Where nginx has the fields of its connections and events: forks insert fields of their own. For event.c. */
#ifndef RF_NGINX_LAYOUT_H
#define RF_NGINX_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

/* In both structs "data" comes first. */
struct rf_nginx_layout {
    size_t read, write, fd;    /* places in a connection */
    size_t bits, handler, log; /* places in an event */
    uint32_t active, ready;    /* in the event's bits */
    size_t index;              /* place in an event, looked at only here */
    uint32_t instance;         /* in the event's bits, looked at only here */
};

/*
 * Finds the layout of this nginx by a connection that nginx makes and takes back; nginx gets nothing of ours. NULL, or
 * a sentence that says why the layout is unknown. Main thread of a worker; log is nginx's.
 */
const char *rf_nginx_layout_find(void *log, struct rf_nginx_layout *found);

#endif
