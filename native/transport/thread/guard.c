#include "guard.h"

#include <dlfcn.h>
#include <stdio.h>

#include "../../channel/lock.h"
#include "../../loop/instance.h"
#include "../../objects/imports.h"

void rf_guard_look(void)
{
    rf_imports_in_runtimes();
    rf_signals_restore();
}

/*
 * Objects that a library loads itself are handled when it first asks for one of their functions. Compilers make the
 * call a jump, so that dlsym(RTLD_NEXT, …) sees the real caller.
 */
static void *runtime_dlsym(void *library, const char *name)
{
    if (rf_imports_in_runtimes())
        rf_signals_restore();
    return dlsym(library, name);
}

void rf_guard_begin(struct rf_instance *i)
{
    static const char refused[] =
        "calls of libc cannot be redirected here: what libraries do with signals, the programs that they start and the "
        "exit code of this process may go wrong; set isolate";
    static rf_lock lock; /* hosts may load on several threads */
    static bool done, could;
    rf_lock_acquire(&lock);
    bool first = !done;
    if (first) {
        rf_signals_replace();
        rf_imports_replace(RF_RUNTIMES, "dlsym", (void (*)(void))runtime_dlsym);
        could = rf_imports_in_host();
        rf_signals_begin();
        done = true;
    }
    rf_lock_release(&lock);
    if (first && !could)
        i->loop->host.log(i->loop->host.host, RESTY_FFI_LOG_WARN, i->name, refused, sizeof refused - 1);
}

void rf_guard_report(struct rf_instance *i)
{
    static const char format[] = "it asks for %s: signals from outside stay the host's, see docs/in-the-worker.md";
    char names[100], text[200];
    if (!rf_signals_asked(names, sizeof names))
        return;
    int n = snprintf(text, sizeof text, format, names);
    rf_logging_add(i, RESTY_FFI_LOG_NOTICE, text, (size_t)n);
    rf_instance_news(i, RF_NEWS_OUTPUT, NULL, 0);
}
