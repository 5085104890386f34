/* Its libffi_init returns 3 while a thread of it writes into a payload; that closes the queue 300 ms later. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "resty_ffi.h"

static void *payload;
static pthread_barrier_t holds;

static void *write_late(void *q)
{
    resty_ffi_frame frame;
    resty_ffi_poll(q, &frame, 1, 1);
    payload = resty_ffi_alloc(q, 100000);
    pthread_barrier_wait(&holds);
    for (int k = 0; k < 300; k++) {
        memset(payload, k, 100000);
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    resty_ffi_free(q, payload);
    resty_ffi_close(q);
    return NULL;
}

int libffi_init(char *cfg, void *tq)
{
    (void)cfg;
    pthread_t thread;
    pthread_barrier_init(&holds, NULL, 2);
    if (pthread_create(&thread, NULL, write_late, tq) != 0)
        return 1;
    pthread_detach(thread);
    pthread_barrier_wait(&holds);
    return 3;
}
