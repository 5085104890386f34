#include "environment.h"

#include <stddef.h>
#include <stdint.h>

#include "../../channel/lock.h"

extern char **environ;
extern void *__libc_stack_end __attribute__((weak)); /* glibc: where argc is, with argv and the variables behind it */

static rf_lock lock; /* several libraries may be loaded at once */

/*
 * The array ends where it ended before, since the auxiliary vector follows: what is left of it are empty strings, which
 * are no variables. One that is longer does not fit; the SDK of Go, the one language that looks here, adds the rest.
 */
void rf_environment_publish(void)
{
    if (!&__libc_stack_end || !__libc_stack_end || !environ)
        return;
    uintptr_t *stack = __libc_stack_end;
    char **at = (char **)(stack + 1) + stack[0];
    if (*at++)
        return; /* argv ends elsewhere: not what we take it for */
    if (at == environ)
        return;
    rf_lock_acquire(&lock);
    char **from = environ;
    for (; *at; at++) {
        char *variable = *from ? *from++ : (char *)"";
        if (*at != variable)
            *at = variable;
    }
    rf_lock_release(&lock);
}
