/* Sleeping and waking on the runtime's side: a frame never waits while a thread that could take it sleeps. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../../channel/channel.h"
#include "../../channel/requests.h"
#include "../../queue/queue.h"
#include "../check.h"

static void nothing(void *arg)
{
    (void)arg;
}

static void no_text(void *arg, const char *text, size_t len)
{
    (void)arg;
    (void)text;
    (void)len;
}

static const struct rf_queue_owner owner = {no_text, nothing, nothing};
static resty_ffi_queue q;
static struct rf_channel *const c = &q.ch;

static void set_up(void)
{
    char error[256];
    if (rf_channel_create(c, 1024, NULL, error, sizeof error))
        check_failed(__FILE__, __LINE__, "%s", error);
    q.owner = &owner;
}

static void send(uint64_t id)
{
    CHECK(rf_requests_send(c, &(struct rf_slot){.id = id, .kind = RESTY_FFI_CALL, .flags = RESTY_FFI_END}));
}

static bool readable(int fd)
{
    return poll(&(struct pollfd){fd, POLLIN, 0}, 1, 0) == 1;
}

static int take(void)
{
    struct rf_slot s;
    return rf_requests_take(c, &s, 1);
}

TEST(nobody_is_woken_when_nobody_sleeps)
{
    set_up();
    for (uint64_t k = 0; k < 100; k++)
        send(k);
    CHECK(!readable(c->to_runtime));
    CHECK_INT(atomic_load(&c->h->doze), 0);
    rf_channel_close(c, false);
}

TEST(a_frame_between_look_and_sleep_keeps_awake)
{
    set_up();
    uint32_t ticket = rf_requests_doze(c);
    send(1);
    CHECK(rf_requests_sleep(c, ticket, 10000) != ETIMEDOUT); /* returns at once */
    CHECK_INT(take(), 1);
    rf_channel_close(c, false);
}

TEST(one_that_found_a_frame_leaves_the_place_of_another)
{
    set_up();
    uint32_t first = rf_requests_doze(c);
    send(1); /* takes the first out of the count: there is one sleeper */
    CHECK_INT(take(), 1);
    uint32_t second = rf_requests_doze(c);
    CHECK_INT(take(), 0);
    rf_requests_doze_end(c, first);
    send(2);
    CHECK(rf_requests_sleep(c, second, 1000) != ETIMEDOUT);
    rf_channel_close(c, false);
}

TEST(one_that_timed_out_leaves_no_place)
{
    set_up();
    for (int k = 0; k < 1000; k++) {
        uint32_t ticket = rf_requests_doze(c);
        CHECK_INT(rf_requests_sleep(c, ticket, 0), ETIMEDOUT);
        rf_requests_doze_end(c, ticket);
    }
    CHECK_INT(atomic_load(&c->h->doze) >> 32, 0);
    rf_channel_close(c, false);
}

TEST(a_count_that_is_too_high_is_set_right_by_the_next_frame)
{
    set_up();
    for (int round = 0; round < 10; round++) {
        uint32_t tickets[50];
        for (int k = 0; k < 50; k++)
            tickets[k] = rf_requests_doze(c);
        send(1);
        for (int k = 0; k < 50; k++)
            rf_requests_doze_end(c, tickets[k]);
        send(2);
        CHECK_INT(atomic_load(&c->h->doze) >> 32, 0);
        CHECK_INT(take() + take(), 2);
    }
    rf_channel_close(c, false);
}

TEST(the_descriptor_is_written_once_for_a_burst)
{
    uint64_t count;
    resty_ffi_frame f[8];
    set_up();
    int fd = resty_ffi_fd(&q, 0);
    CHECK_INT(resty_ffi_poll(&q, f, 8, 0), 0);
    for (uint64_t k = 0; k < 5; k++)
        send(k);
    CHECK(readable(fd));
    CHECK_INT(read(fd, &count, sizeof count), sizeof count);
    CHECK_INT(count, 1);
    CHECK_INT(resty_ffi_poll(&q, f, 8, 0), 5);
    CHECK(!readable(fd));
    send(9); /* no poll has returned 0 since: nobody waits for the descriptor */
    CHECK(!readable(fd));
    rf_channel_close(c, false);
}

TEST(level_triggered_waiting_is_reset_by_poll)
{
    resty_ffi_frame f[8];
    set_up();
    int fd = resty_ffi_fd(&q, 1);
    CHECK_INT(fd, resty_ffi_fd(&q, 1));
    for (uint64_t k = 0; k < 5; k++) {
        CHECK_INT(resty_ffi_poll(&q, f, 8, 0), 0);
        CHECK(!readable(fd));
        send(k);
        CHECK(readable(fd));
        CHECK_INT(resty_ffi_poll(&q, f, 8, 0), 1);
    }
    rf_channel_close(c, false);
}

TEST(edge_triggered_waiting_sees_each_wake_up)
{
    resty_ffi_frame f[8];
    struct epoll_event e = {.events = EPOLLIN | EPOLLET};
    set_up();
    int epoll = epoll_create1(0);
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, resty_ffi_fd(&q, 0), &e) == 0);
    for (uint64_t k = 0; k < 100; k++) {
        CHECK_INT(resty_ffi_poll(&q, f, 8, 0), 0);
        CHECK_INT(epoll_wait(epoll, &e, 1, 0), 0);
        send(k);
        CHECK_INT(epoll_wait(epoll, &e, 1, 0), 1);
        CHECK_INT(resty_ffi_poll(&q, f, 8, 0), 1);
    }
    close(epoll);
    rf_channel_close(c, false);
}

TEST(a_poll_that_finds_a_frame_leaves_the_descriptor_armed_for_others)
{
    resty_ffi_frame f[8];
    set_up();
    int fd = resty_ffi_fd(&q, 0);
    CHECK_INT(resty_ffi_poll(&q, f, 8, 0), 0); /* one thread goes to wait for the descriptor */
    rf_requests_arm(c);                        /* another looks in the moment in which */
    send(1);                                   /* a frame comes, */
    uint64_t count;
    CHECK_INT(read(fd, &count, sizeof count), sizeof count);
    rf_requests_arm(c);
    CHECK_INT(resty_ffi_poll(&q, f, 8, 0), 1); /* and takes it */
    send(2);
    CHECK(readable(fd));
    rf_channel_close(c, false);
}

TEST(closing_wakes_descriptor_and_sleepers)
{
    resty_ffi_frame f;
    set_up();
    int fd = resty_ffi_fd(&q, 1);
    CHECK_INT(resty_ffi_poll(&q, &f, 1, 0), 0);
    uint32_t ticket = rf_requests_doze(c);
    send(1);
    atomic_store(&c->h->closed, 1);
    rf_requests_wake_all(c);
    CHECK(readable(fd));
    CHECK(rf_requests_sleep(c, ticket, 10000) != ETIMEDOUT);
    CHECK_INT(resty_ffi_poll(&q, &f, 1, -1), 1); /* what waits is handed out first */
    for (int k = 0; k < 3; k++) {
        CHECK_INT(resty_ffi_poll(&q, &f, 1, -1), RESTY_FFI_UNLOADED);
        CHECK_INT(resty_ffi_poll(&q, &f, 1, 0), RESTY_FFI_UNLOADED);
        CHECK_INT(resty_ffi_poll(&q, &f, 1, 50), RESTY_FFI_UNLOADED);
    }
    rf_channel_close(c, false);
}

/* ---- under load ---- */

static _Atomic uint64_t got;
static _Atomic int busy, idle_polls;

/* Frames with an odd id hold their thread until the test lets it go: only another thread can take the next one. */
static _Atomic bool hold;

static void served(const resty_ffi_frame *f, int n)
{
    for (int k = 0; k < n; k++) {
        bool held = f[k].id % 2;
        atomic_fetch_add(&busy, held); /* before it is seen as taken: nothing of this pair is held in the next */
        atomic_fetch_add(&got, 1);
        while (held && atomic_load(&hold))
            sched_yield();
        atomic_fetch_sub(&busy, held);
    }
}

static void *sleep_in_poll(void *arg)
{
    int timeout = (int)(intptr_t)arg, n;
    resty_ffi_frame f;
    while ((n = resty_ffi_poll(&q, &f, 1, timeout)) >= 0) {
        if (n == 0)
            atomic_fetch_add(&idle_polls, 1);
        served(&f, n);
    }
    return NULL;
}

static void *wait_for_descriptor(void *arg)
{
    bool level = arg != NULL;
    struct epoll_event e = {.events = EPOLLIN | (level ? 0 : EPOLLET)};
    int epoll = epoll_create1(0), n;
    resty_ffi_frame f;
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, resty_ffi_fd(&q, level), &e) == 0);
    while ((n = resty_ffi_poll(&q, &f, 1, 0)) >= 0) {
        served(&f, n);
        if (n == 0)
            epoll_wait(epoll, &e, 1, -1);
    }
    close(epoll);
    return NULL;
}

/* One frame at a time, sent at moments that hit the threads anywhere on their way to sleep. */
static void ping(uint64_t rounds)
{
    uint64_t seed = 3, end = check_now() + 1000;
    for (uint64_t k = 0; k < rounds && check_now() < end; k++) {
        for (uint64_t spin = check_random(&seed) % 3000; spin--;)
            __asm__ volatile("");
        uint64_t before = atomic_load(&got);
        send(2);
        for (uint64_t late = check_now() + 5000; atomic_load(&got) == before;) {
            if (check_now() > late)
                check_failed(__FILE__, __LINE__, "frame %llu lies there and nobody wakes", (unsigned long long)k);
            sched_yield();
        }
    }
}

/* Two frames, of which the first holds the thread that takes it. */
static void ping_pairs(uint64_t rounds)
{
    uint64_t seed = 4, end = check_now() + 1000;
    for (uint64_t k = 0; k < rounds && check_now() < end; k++) {
        atomic_store(&hold, true);
        uint64_t before = atomic_load(&got);
        send(1);
        if (k % 2) /* else at once: one thread can find both */
            for (uint64_t spin = check_random(&seed) % 2000; spin--;)
                __asm__ volatile("");
        send(2);
        for (uint64_t late = check_now() + 5000; atomic_load(&got) != before + 2;) {
            if (check_now() > late)
                check_failed(__FILE__, __LINE__, "pair %llu: a frame waits while a thread sleeps",
                             (unsigned long long)k);
            sched_yield();
        }
        atomic_store(&hold, false);
        while (atomic_load(&busy))
            sched_yield();
    }
}

static void with_threads(void *(*a)(void *), void *a_arg, void *(*b)(void *), void *b_arg, void (*drive)(uint64_t))
{
    pthread_t t[3];
    set_up();
    CHECK(pthread_create(&t[0], NULL, a, a_arg) == 0);
    CHECK(pthread_create(&t[1], NULL, a, a_arg) == 0);
    CHECK(pthread_create(&t[2], NULL, b, b_arg) == 0);
    drive(CHECK_SANITIZED ? 20000 : 100000);
    check_sleep(20); /* long enough for those with time limits to be idle */
    atomic_store(&c->h->closed, 1);
    rf_requests_wake_all(c);
    for (int k = 0; k < 3; k++)
        pthread_join(t[k], NULL);
    rf_channel_close(c, false);
}

TEST(stress_sleepers)
{
    with_threads(sleep_in_poll, (void *)-1, sleep_in_poll, (void *)-1, ping);
}

TEST(stress_sleepers_of_which_one_is_held)
{
    with_threads(sleep_in_poll, (void *)-1, sleep_in_poll, (void *)-1, ping_pairs);
}

TEST(stress_sleepers_with_time_limits)
{
    with_threads(sleep_in_poll, (void *)1, sleep_in_poll, (void *)2, ping_pairs);
    CHECK(atomic_load(&idle_polls) > 0);
}

static void one_waiter(void *level)
{
    pthread_t t;
    set_up();
    CHECK(pthread_create(&t, NULL, wait_for_descriptor, level) == 0);
    ping(CHECK_SANITIZED ? 20000 : 100000);
    atomic_store(&c->h->closed, 1);
    rf_requests_wake_all(c);
    pthread_join(t, NULL);
    rf_channel_close(c, false);
}

TEST(stress_descriptor_edge)
{
    one_waiter(NULL);
}

TEST(stress_descriptor_level)
{
    one_waiter(&q);
}

TEST(stress_descriptor_and_sleepers)
{
    with_threads(sleep_in_poll, (void *)-1, wait_for_descriptor, NULL, ping);
}

TEST(stress_descriptor_and_sleepers_of_which_one_is_held)
{
    with_threads(sleep_in_poll, (void *)-1, wait_for_descriptor, NULL, ping_pairs);
}

TEST(stress_descriptor_of_several_threads)
{
    with_threads(wait_for_descriptor, &q, wait_for_descriptor, &q, ping_pairs);
    with_threads(wait_for_descriptor, NULL, wait_for_descriptor, NULL, ping_pairs);
}
