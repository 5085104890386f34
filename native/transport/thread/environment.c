#include "environment.h"

#include <stddef.h>
#include <stdint.h>

#include "../../channel/lock.h"

extern char **environ;
extern void *__libc_stack_end __attribute__((weak)); /* glibc: where argc is, with argv and the variables behind it */

static rf_lock lock; /* several libraries may be loaded at once */

/*
 * The array keeps its length, since the auxiliary vector follows; empty strings, which are not variables, fill the
 * rest. Variables that do not fit are left out: the SDK of Go, the only language that reads this array, adds them.
 */
void rf_environment_publish(void)
{
    if (!&__libc_stack_end || !__libc_stack_end || !environ)
        return;
    uintptr_t *stack = __libc_stack_end;
    char **at = (char **)(stack + 1) + stack[0];
    if (*at++)
        return; /* argv does not end here: this is not the expected layout */
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
