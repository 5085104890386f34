/* The child's end of the process transport: resty_ffi_attach. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "../../channel/clock.h"
#include "../../channel/export.h"
#include "../../channel/futex.h"
#include "../../queue/queue.h"
#include "child.h"

static resty_ffi_queue attached; /* one process serves one queue, for as long as it lives */

static void say_to_host(char what, const char *text, size_t len)
{
    char message[RF_SAY_MAX];
    size_t n = len < sizeof message - 1 ? len : sizeof message - 1;
    message[0] = what;
    if (n)
        memcpy(message + 1, text, n);
    (void)!send(RF_FD_CONTROL, message, n + 1, MSG_NOSIGNAL);
}

static void say_failed(void *arg, const char *text, size_t len)
{
    (void)arg;
    say_to_host(RF_SAY_FAILED, text, len);
}

static void say_ready(void *arg)
{
    (void)arg;
    say_to_host(RF_SAY_READY, NULL, 0);
}

static void ignore_closed(void *arg)
{
    (void)arg;
}

static const struct rf_queue_owner owner = {say_failed, say_ready, ignore_closed};

API resty_ffi_queue *resty_ffi_attach(const char **error)
{
    static char reason[256];
    const char *queue = getenv(RF_ENV_QUEUE), *why = NULL;
    if (attached.owner)
        why = "this process is attached already";
    else if (!queue)
        why = "this program was not started by a resty-ffi host (" RF_ENV_QUEUE " is not set)";
    if (!why) {
        /* Programs that the runtime starts shall not inherit the host's queue. */
        for (int fd = RF_FD_MEMORY; fd < RF_FD_FIRST_FREE; fd++)
            fcntl(fd, F_SETFD, FD_CLOEXEC);
        const char *segment = strchr(queue, ':');
        struct rf_shared shared = {RF_FD_MEMORY, segment ? atoi(segment + 1) : -1};
        why = rf_channel_attach(&attached.ch, (uint32_t)strtoul(queue, NULL, 10), &shared, RF_FD_TO_RUNTIME,
                                RF_FD_TO_HOST, reason, sizeof reason);
        unsetenv(RF_ENV_QUEUE);
    }
    if (error)
        *error = why;
    if (why)
        return NULL;
    attached.owner = &owner;
    return &attached;
}

API void resty_ffi_child_left(resty_ffi_queue *q)
{
    struct rf_header *h = q->ch.h;
    while (!atomic_load(&h->closed) && !rf_queue_ended(q))
        rf_futex_wait(&h->closed, 0, 1000, 1);
    for (uint64_t end = rf_clock_now() + 200000000u; !rf_queue_ended(q);) {
        if (atomic_load(&q->abi1) && rf_clock_now() > end && rf_queue_left(q))
            return;
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
}
