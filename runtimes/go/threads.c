/*
 * Names Go's threads. A thread inherits the name of the thread that starts it, and the first ones start inside dlopen,
 * so every thread of a Go library would have the host's name. Go cannot name a thread that its scheduler starts. So the
 * loading thread has the name ffi-go while it starts the Go runtime, and all other threads inherit that name.
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

/* Runs after Go's constructor: the linker keeps the order of the objects, and that of Go comes first. */
__attribute__((constructor)) static void after_go(void)
{
    restyffi_rename_thread(loader);
}
