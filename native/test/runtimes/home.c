/*
 * Version 1, bound to the thread that initialised it first, like a loader of lua-resty-ffi that keeps its JNIEnv: on
 * any other thread libffi_init returns 9. With the configuration "hang MS" it hangs for MS milliseconds, without MS for
 * ever. Answers each request with its configuration. Its destructor, if it ran, would keep the process from ending.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resty_ffi.h"

/* It says that it can be initialised again for new code. */
extern int libffi_reload;
int libffi_reload = 1;

struct runtime {
    void *tq;
    char *cfg; /* owned */
};

static _Atomic pid_t home;

/* The number of calls that began to hang, and of those that ended; the test reads both by dlsym. */
extern _Atomic int hanging, ended;
_Atomic int hanging, ended;

__attribute__((destructor)) static void end(void)
{
    for (;;)
        pause();
}

static void *serve(void *arg)
{
    struct runtime *rt = arg;
    void *task;
    while ((task = ngx_http_lua_ffi_task_poll(rt->tq)))
        ngx_http_lua_ffi_respond(task, 0, strdup(rt->cfg), 0);
    free(rt->cfg);
    free(rt);
    return NULL;
}

int libffi_init(char *cfg, void *tq)
{
    pthread_t t;
    if (!home)
        home = gettid();
    if (home != gettid())
        return 9;
    if (cfg && strncmp(cfg, "hang", 4) == 0) {
        hanging++;
        do
            usleep((unsigned)atoi(cfg + 4) * 1000);
        while (!cfg[4]);
        ended++;
    }
    struct runtime *rt = malloc(sizeof *rt);
    *rt = (struct runtime){tq, strdup(cfg ? cfg : "none")};
    return pthread_create(&t, NULL, serve, rt) || pthread_detach(t);
}
