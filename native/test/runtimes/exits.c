/*
 * Echoes, and has exit handlers. Configuration: "say TEXT", "write FILE", "crash" and "hang" are what its exit handler
 * does; "print TEXT" prints that by C's stdio and leaves it to it when that is written; "die TEXT" complains and ends
 * in libffi_init.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resty_ffi.h"

static char todo[1000];

static void at_exit(void)
{
    if (strncmp(todo, "say ", 4) == 0)
        fputs(todo + 4, stderr);
    FILE *f = strncmp(todo, "write ", 6) == 0 ? fopen(todo + 6, "w") : NULL;
    if (f && fputs("goodbye", f) >= 0)
        fclose(f);
    if (strcmp(todo, "crash") == 0)
        abort();
    if (strcmp(todo, "hang") == 0)
        for (;;)
            pause();
}

static void *serve(void *tq)
{
    resty_ffi_frame f;
    while (resty_ffi_poll(tq, &f, 1, -1) > 0) {
        if (f.kind != RESTY_FFI_CALL)
            continue;
        f.kind = RESTY_FFI_DATA;
        f.flags = (uint16_t)(RESTY_FFI_END | (f.flags & RESTY_FFI_NIL));
        f.status = 0;
        f.release = NULL;
        resty_ffi_send(tq, &f, 1);
    }
    resty_ffi_close(tq);
    return NULL;
}

int libffi_init(char *cfg, void *tq)
{
    pthread_t t;
    snprintf(todo, sizeof todo, "%s", cfg ? cfg : "");
    if (strncmp(todo, "print ", 6) == 0)
        printf("%s\n", todo + 6);
    if (strncmp(todo, "die ", 4) == 0) {
        fputs(todo + 4, stderr);
        _exit(9);
    }
    atexit(at_exit);
    return pthread_create(&t, NULL, serve, tq) || pthread_detach(t);
}
