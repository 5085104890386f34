/*
 * The JVM's handlers for PIPE, SEGV and other signals serve the whole process. The JVM installs them without
 * SA_ONSTACK: on a goroutine of another runtime they would run on its stack of a few kilobytes. The JVM's own threads
 * have no alternate stack, so nothing changes for them.
 */
#include <signal.h>
#include <stddef.h>

#include "loader.h"

void signals_share(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGPIPE, SIGXFSZ, SIGTRAP, SIGUSR2};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction action;
        if (sigaction(numbers[i], NULL, &action) || action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)
            continue;
        if (action.sa_flags & SA_ONSTACK)
            continue;
        action.sa_flags |= SA_ONSTACK;
        sigaction(numbers[i], &action, NULL);
    }
}
