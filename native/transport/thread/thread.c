/*
 * The thread transport: a loader thread opens the library in this process, and the library's own thread (home.h)
 * initialises it, so a hanging library costs a thread and not the worker.
 */
#include "thread.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../channel/failed.h"
#include "../../loop/instance.h"
#include "../../loop/search.h"
#include "environment.h"
#include "guard.h"
#include "home.h"

static void thread_fail(struct rf_instance *i, const char *text)
{
    rf_instance_news(i, RF_NEWS_FAILED, text, strlen(text));
}

static void initialised(struct rf_instance *i, int rc)
{
    char text[RF_TEXT], reason[RF_TEXT];
    rf_guard_look();
    rf_guard_report(i);
    free(i->cfg);
    i->cfg = NULL;
    if (rc == 0) {
        rf_instance_news(i, RF_NEWS_READY, NULL, 0);
        return;
    }
    rf_instance_text(i, reason, sizeof reason);
    snprintf(text, sizeof text, "%.900s%slibffi_init returned %d", reason, *reason ? " – " : "", rc);
    thread_fail(i, text);
}

static void open_failed(struct rf_instance *i, const char *path)
{
    char text[RF_TEXT];
    const char *reason = dlerror();
    rf_search_explain(path, reason ? reason : "dlopen does not say why", text, sizeof text);
    thread_fail(i, text);
    resty_ffi_close(&i->q);
}

static bool wants_process(const resty_ffi_options *o)
{
    return o->memory || o->files || o->cpus || o->user || o->env || o->workers > 1;
}

static void *loader(void *arg)
{
    struct rf_instance *i = arg;
    char path[4096];
    pthread_setname_np(pthread_self(), "ffi-init"); /* not the host's, so that nobody takes it for the event loop */
    rf_search_find(i->lib, path, sizeof path);
    rf_environment_publish();
    int flags = RTLD_NOW | (i->options->global ? RTLD_GLOBAL : RTLD_LOCAL) | (i->options->unpin ? 0 : RTLD_NODELETE);
    i->library = dlopen(path, flags);
    if (!i->library) {
        open_failed(i, path);
    } else {
        rf_guard_look();
        i->initialised = initialised;
        *(void **)&i->init = dlsym(i->library, "libffi_init");
        if (i->init && wants_process(i->options))
            thread_fail(i, "the options limits, user, env and workers are for child processes: set isolate");
        else if (i->init && rf_home_run(i))
            return NULL;
        else if (i->init)
            thread_fail(i, "no memory");
        else if (dlsym(i->library, "libffi_argv"))
            rf_instance_news(i, RF_NEWS_WANTS_PROCESS, NULL, 0);
        else
            thread_fail(i, "it is not a runtime: it exports neither libffi_init nor libffi_argv");
        resty_ffi_close(&i->q); /* nothing but its constructors has run */
    }
    rf_queue_leave(&i->q);
    rf_instance_unref(i);
    return NULL;
}

static const char *thread_start(struct rf_instance *i, uint32_t delay_ms)
{
    (void)delay_ms;
    sigset_t mask, before;
    pthread_t thread;
    rf_guard_begin(i);
    rf_signals_mask(&mask);
    atomic_fetch_add(&i->refs, 2); /* the loader's, and the runtime's until resty_ffi_close */
    rf_queue_enter(&i->q);
    pthread_sigmask(SIG_SETMASK, &mask, &before);
    int rc = pthread_create(&thread, NULL, loader, i);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        atomic_fetch_sub(&i->refs, 2);
        rf_queue_leave(&i->q);
        return rf_failed(i->loop->why, sizeof i->loop->why, "pthread_create for the thread that loads it", rc);
    }
    pthread_detach(thread);
    return NULL;
}

static bool reloads(const struct rf_instance *i)
{
    return i->library && dlsym(i->library, "libffi_reload") != NULL;
}

/* Threads in this process can be told by the closed queue only. */
const struct rf_transport rf_thread_transport = {.start = thread_start, .end = rf_home_give_up, .reloads = reloads};
