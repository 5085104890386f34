/* Version 1, and it answers each task twice. The caller gets the first; the second is refused and logged. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "resty_ffi.h"

static void *serve(void *tq)
{
    void *task;
    while ((task = ngx_http_lua_ffi_task_poll(tq))) {
        ngx_http_lua_ffi_respond(task, 0, strdup("first"), 5);
        ngx_http_lua_ffi_respond(task, 0, strdup("second"), 6);
    }
    return NULL;
}

int libffi_init(char *cfg, void *tq)
{
    pthread_t t;
    (void)cfg;
    return pthread_create(&t, NULL, serve, tq) || pthread_detach(t);
}
