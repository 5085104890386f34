/*
 * Version 1, and it answers too late. A request that starts with "keep" is answered when the runtime has been
 * unloaded; any other at once, and once more when the runtime has been unloaded. Configuration: how many ms after.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "resty_ffi.h"

#define MOST 1000

struct runtime {
    void *tq;
    int delay_ms;
    void *tasks[MOST];
    int count;
};

static void *serve(void *arg)
{
    struct runtime *rt = arg;
    void *task;
    while ((task = ngx_http_lua_ffi_task_poll(rt->tq))) {
        const char *request = ngx_http_lua_ffi_get_req(task, NULL);
        if (!request || strncmp(request, "keep", 4) != 0)
            ngx_http_lua_ffi_respond(task, 0, strdup("in time"), 7);
        if (rt->count < MOST)
            rt->tasks[rt->count++] = task;
    }
    nanosleep(&(struct timespec){rt->delay_ms / 1000, (long)(rt->delay_ms % 1000) * 1000000}, NULL);
    for (int k = 0; k < rt->count; k++)
        ngx_http_lua_ffi_respond(rt->tasks[k], 0, strdup("late"), 4);
    while (ngx_http_lua_ffi_task_poll(rt->tq)) /* NULL again */
        ;
    free(rt);
    return NULL;
}

int libffi_init(char *cfg, void *tq)
{
    struct runtime *rt = calloc(1, sizeof *rt);
    pthread_t t;
    rt->tq = tq;
    rt->delay_ms = cfg ? atoi(cfg) : 0;
    return pthread_create(&t, NULL, serve, rt) || pthread_detach(t);
}
