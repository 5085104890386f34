/* Version 1, and it never answers. */
#include <pthread.h>
#include <stddef.h>

#include "resty_ffi.h"

static void *serve(void *tq)
{
    while (ngx_http_lua_ffi_task_poll(tq))
        ;
    return NULL;
}

int libffi_init(char *cfg, void *tq)
{
    pthread_t t;
    (void)cfg;
    return pthread_create(&t, NULL, serve, tq) || pthread_detach(t);
}
