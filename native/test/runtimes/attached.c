/*
 * The program of program.c: attaches to the queue of the host that started it and echoes. Its argument: "fail TEXT"
 * fails to start, "mute" never says that it is ready, "hold" does not end when it is told to, "quit" ends at once.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resty_ffi.h"

static struct {
    resty_ffi_queue *(*attach)(const char **error);
    void (*ready)(resty_ffi_queue *q);
    void (*fail)(resty_ffi_queue *q, const char *text, size_t len);
    int (*poll)(resty_ffi_queue *q, resty_ffi_frame *out, int max, int timeout_ms);
    int (*send)(resty_ffi_queue *q, const resty_ffi_frame *in, int n);
    void (*close)(resty_ffi_queue *q);
} api;

static void open_api(void)
{
    void *lib = dlopen(getenv("RESTY_FFI_LIB"), RTLD_NOW | RTLD_GLOBAL);
    if (!lib) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    *(void **)&api.attach = dlsym(lib, "resty_ffi_attach");
    *(void **)&api.ready = dlsym(lib, "resty_ffi_ready");
    *(void **)&api.fail = dlsym(lib, "resty_ffi_fail");
    *(void **)&api.poll = dlsym(lib, "resty_ffi_poll");
    *(void **)&api.send = dlsym(lib, "resty_ffi_send");
    *(void **)&api.close = dlsym(lib, "resty_ffi_close");
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "", *error;
    open_api();
    resty_ffi_queue *q = api.attach(&error);
    if (!q || api.attach(&error)) { /* once only */
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    if (strncmp(what, "fail ", 5) == 0) {
        api.fail(q, what + 5, strlen(what + 5));
        return 5;
    }
    if (strcmp(what, "quit") == 0)
        return 6;
    if (strcmp(what, "mute") == 0)
        pause();
    api.ready(q);
    resty_ffi_frame f;
    while (api.poll(q, &f, 1, -1) > 0) {
        if (f.kind != RESTY_FFI_CALL)
            continue;
        f.kind = RESTY_FFI_DATA;
        f.flags = (uint16_t)(RESTY_FFI_END | (f.flags & RESTY_FFI_NIL));
        f.status = 0;
        f.release = NULL;
        api.send(q, &f, 1);
    }
    if (strcmp(what, "hold") == 0)
        for (;;)
            pause();
    api.close(q);
    return 0;
}
