/* An echo as for lua-resty-ffi: version 1 only, no SDK. Configuration: the number of threads, 1 if none. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "resty_ffi.h"

static void *serve(void *tq)
{
    void *task;
    while ((task = ngx_http_lua_ffi_task_poll(tq))) {
        int len;
        char *request = ngx_http_lua_ffi_get_req(task, &len), *answer = NULL;
        if (request) {
            answer = malloc((size_t)len + 1);
            memcpy(answer, request, (size_t)len + 1); /* with its NUL: a length of 0 means a C string */
        }
        ngx_http_lua_ffi_respond(task, 0, answer, len);
    }
    return NULL;
}

int libffi_init(char *cfg, void *tq)
{
    int threads = cfg ? atoi(cfg) : 1;
    for (int k = 0; k < threads; k++) {
        pthread_t t;
        if (pthread_create(&t, NULL, serve, tq) != 0)
            return 1;
        pthread_detach(t);
    }
    return threads > 0 ? 0 : 2;
}
