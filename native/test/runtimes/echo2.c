/* An echo in version 2, in batches, on one thread: the example of resty_ffi.h. */
#include <pthread.h>
#include <stddef.h>

#include "resty_ffi.h"

static void *serve(void *q)
{
    resty_ffi_frame f[64];
    int n;
    while ((n = resty_ffi_poll(q, f, 64, -1)) > 0) {
        int replies = 0;
        for (int i = 0; i < n; i++) {
            if (f[i].kind != RESTY_FFI_CALL) {
                resty_ffi_free(q, f[i].data);
                continue;
            }
            f[i].kind = RESTY_FFI_DATA;
            f[i].flags = RESTY_FFI_END | (f[i].flags & RESTY_FFI_NIL);
            f[i].status = 0;
            f[i].release = NULL;
            f[replies++] = f[i];
        }
        resty_ffi_send(q, f, replies);
    }
    resty_ffi_close(q);
    return NULL;
}

int libffi_init(char *cfg, void *q)
{
    pthread_t t;
    (void)cfg;
    return pthread_create(&t, NULL, serve, q) || pthread_detach(t);
}
