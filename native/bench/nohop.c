/*
 * A runtime without a thread: whoever submits a call answers it right away by nohop_answer, on the same thread. What is
 * left is the price of Lua, the queue, the semaphore and the event loop. For the benchmark only.
 */
#include <stddef.h>

#include "resty_ffi.h"

int nohop_answer(void);

static resty_ffi_queue *queue;

int libffi_init(char *cfg, void *tq)
{
    (void)cfg;
    queue = tq;
    return 0;
}

/* Echoes what waits. Returns how many. */
int nohop_answer(void)
{
    resty_ffi_frame f[64];
    int n = resty_ffi_poll(queue, f, 64, 0);
    if (n < 0) {
        resty_ffi_close(queue);
        return 0;
    }
    for (int i = 0; i < n; i++) {
        f[i].kind = RESTY_FFI_DATA;
        f[i].status = 0;
        f[i].release = NULL;
    }
    return resty_ffi_send(queue, f, n);
}
