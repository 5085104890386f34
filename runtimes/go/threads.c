/*
 * Names for Go's threads. Go starts them with the name of the thread that starts them: the first ones inside dlopen, so
 * in a host every thread of a Go library would bear the host's name. Nothing in Go can name a thread that the scheduler
 * made, but the loading thread can carry the name ffi-go while it starts the Go runtime, and every other thread
 * inherits it from there.
 */
#include <sys/prctl.h>

#include "bridge.h"

restyffi_thread_name restyffi_name_thread(void)
{
    restyffi_thread_name before = {{0}};
    prctl(PR_GET_NAME, before.text);
    prctl(PR_SET_NAME, "ffi-go");
    return before;
}

void restyffi_rename_thread(restyffi_thread_name name)
{
    prctl(PR_SET_NAME, name.text);
}

static restyffi_thread_name loader;

/* Runs before Go's own constructor, which has no priority. */
__attribute__((constructor(101))) static void before_go(void)
{
    loader = restyffi_name_thread();
}

/* Runs after it: the linker keeps the order of the objects, and Go's comes first. */
__attribute__((constructor)) static void after_go(void)
{
    restyffi_rename_thread(loader);
}
