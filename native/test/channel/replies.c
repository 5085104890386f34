/* The list of frames from the runtime to the host. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../channel/block.h"
#include "../../channel/channel.h"
#include "../../channel/replies.h"
#include "../check.h"

static struct rf_channel c;

static void set_up(uint32_t max_queue)
{
    char error[256];
    if (rf_channel_create(&c, max_queue, NULL, error, sizeof error))
        check_failed(__FILE__, __LINE__, "%s", error);
}

static bool send(uint64_t id, int n, int wait_ms)
{
    struct rf_slot s[64] = {{0}};
    for (int k = 0; k < n; k++)
        s[k] = (struct rf_slot){.id = id + (uint64_t)k, .kind = RESTY_FFI_DATA, .status = (int)id + k};
    return rf_replies_send(&c, s, n, wait_ms);
}

/* The writes of the eventfd since the last look. */
static uint64_t rings(void)
{
    uint64_t count;
    return read(c.to_host, &count, sizeof count) == sizeof count ? count : 0;
}

TEST(frames_come_in_order_of_sending)
{
    set_up(64);
    CHECK_INT(rf_replies_begin(&c), 0);
    CHECK(send(0, 3, 0));
    CHECK(send(3, 1, 0));
    CHECK(send(4, 60, 0));
    int n = rf_replies_begin(&c);
    CHECK_INT(n, 64);
    for (int k = 0; k < n; k++) {
        struct rf_slot s;
        rf_replies_take(&c, n - 1 - k, &s);
        CHECK_INT(s.id, k);
        CHECK_INT(s.status, k);
    }
    CHECK_INT(rf_replies_begin(&c), 0);
    rf_channel_close(&c, false);
}

TEST(one_ring_until_the_host_has_looked)
{
    set_up(64);
    CHECK_INT(rings(), 0);
    for (uint64_t k = 0; k < 20; k++)
        CHECK(send(k, 2, 0));
    CHECK_INT(rings(), 1);
    CHECK(send(99, 1, 0)); /* still the same list */
    CHECK_INT(rings(), 0);
    CHECK_INT(rf_replies_begin(&c), 41);
    CHECK(send(100, 1, 0));
    CHECK_INT(rings(), 1);
    rf_channel_close(&c, false);
}

TEST(slots_come_back)
{
    set_up(1); /* the fewest slots */
    for (uint64_t k = 0; k < 10000; k++) {
        struct rf_slot s;
        CHECK(send(k, 1, 0));
        CHECK_INT(rf_replies_begin(&c), 1);
        rf_replies_take(&c, 0, &s);
        CHECK_INT(s.id, k);
    }
    CHECK(atomic_load(&c.h->slots.fresh) < 10);
    rf_channel_close(&c, false);
}

TEST(without_slots_the_sender_waits_and_then_frees_the_payloads)
{
    set_up(1);
    uint64_t sent = 0;
    while (send(sent, 1, 0))
        sent++;
    CHECK_INT(sent, c.at.slots);
    struct rf_slot s = {.id = 1, .kind = RESTY_FFI_DATA, .data = rf_block_take(&c, 10), .len = 10};
    uint64_t start = check_now();
    CHECK(!rf_replies_send(&c, &s, 1, 50));
    CHECK(check_now() - start >= 45);
    CHECK(!rf_block_valid(&c, s.data, 1));
    int n = rf_replies_begin(&c);
    CHECK_INT(n, sent);
    rf_replies_take(&c, n - 1, &s);
    CHECK_INT(s.id, 0);
    CHECK(send(1, 1, 0));
    rf_channel_close(&c, false);
}

static void *drain_soon(void *arg)
{
    int n = *(int *)arg;
    check_sleep(30);
    struct rf_slot s;
    for (int k = n - 1; k >= 0; k--)
        rf_replies_take(&c, k, &s);
    return NULL;
}

TEST(a_sender_that_waits_goes_on_when_the_host_does)
{
    pthread_t t;
    set_up(1);
    uint64_t sent = 0;
    while (send(sent, 1, 0))
        sent++;
    int n = rf_replies_begin(&c);
    CHECK(pthread_create(&t, NULL, drain_soon, &n) == 0);
    CHECK(send(5000, 64, 10000));
    pthread_join(t, NULL);
    CHECK_INT(rf_replies_begin(&c), 64);
    rf_channel_close(&c, false);
}

TEST(a_spoilt_list_is_noticed)
{
    set_up(4);
    CHECK(send(0, 3, 0));
    c.slot[0].next = 2; /* 2 → 1 → 0 → 2 */
    CHECK_INT(rf_replies_begin(&c), -1);
    CHECK(send(0, 3, 0));
    c.slot[4].next = c.at.slots;
    CHECK_INT(rf_replies_begin(&c), -1);
    static const uint32_t wrong[] = {RF_NONE - 1, 0x80000000};
    for (size_t k = 0; k < 2; k++) {
        atomic_store(&c.h->replies, wrong[k]);
        CHECK_INT(rf_replies_begin(&c), -1);
    }
    uint64_t seed = 1;
    for (int round = 0; round < 1000; round++) {
        for (int k = 0; k < 50; k++)
            c.slot[check_random(&seed) % c.at.slots].next = (uint32_t)(check_random(&seed) % (c.at.slots + 1));
        atomic_store(&c.h->replies, (uint32_t)(check_random(&seed) % c.at.slots));
        int n = rf_replies_begin(&c);
        CHECK(n == -1 || (n > 0 && (uint32_t)n <= c.at.slots));
    }
    rf_channel_close(&c, false);
}

/* ---- many producers ---- */

#define PRODUCERS 4
#define FRAMES (CHECK_SANITIZED ? 40000u : 300000u) /* each */

static void *produce(void *arg)
{
    uint64_t me = (uint64_t)(uintptr_t)arg, seed = me;
    for (uint64_t k = 0; k < FRAMES;) {
        struct rf_slot s[16];
        int n = 1 + (int)(check_random(&seed) % 16);
        for (int j = 0; j < n; j++) {
            s[j] = (struct rf_slot){.id = me << 32 | k++, .kind = RESTY_FFI_DATA, .data = rf_block_take(&c, 8)};
            *(uint64_t *)(c.base + s[j].data) = s[j].id;
        }
        CHECK(rf_replies_send(&c, s, n, 20000));
    }
    return NULL;
}

TEST(stress_nothing_is_lost_and_each_sender_keeps_its_order)
{
    pthread_t t[PRODUCERS];
    uint64_t next[PRODUCERS] = {0}, total = 0;
    set_up(256);
    for (uintptr_t k = 0; k < PRODUCERS; k++)
        CHECK(pthread_create(&t[k], NULL, produce, (void *)k) == 0);
    for (;;) {
        bool all = true;
        for (int k = 0; k < PRODUCERS; k++)
            all &= next[k] >= FRAMES;
        if (all)
            break;
        /* Sleeps until it is rung: a ring that is lost ends the test here. */
        CHECK_INT(poll(&(struct pollfd){c.to_host, POLLIN, 0}, 1, 10000), 1);
        rings();
        int n = rf_replies_begin(&c);
        for (int k = n - 1; k >= 0; k--) {
            struct rf_slot s;
            rf_replies_take(&c, k, &s);
            CHECK(s.id >> 32 < PRODUCERS);
            CHECK_INT((uint32_t)s.id, next[s.id >> 32]++);
            CHECK_INT(*(uint64_t *)(c.base + s.data), s.id);
            CHECK(rf_block_give(&c, s.data));
            total++;
        }
    }
    for (int k = 0; k < PRODUCERS; k++)
        pthread_join(t[k], NULL);
    CHECK(total >= (uint64_t)FRAMES * PRODUCERS);
    rf_channel_close(&c, false);
}
