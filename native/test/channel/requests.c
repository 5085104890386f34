/* The ring of frames from the host to the runtime: order, bounds, many consumers. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../channel/channel.h"
#include "../../channel/requests.h"
#include "../check.h"

static struct rf_channel c;

static void set_up(uint32_t max_queue)
{
    char error[256];
    if (rf_channel_create(&c, max_queue, NULL, error, sizeof error))
        check_failed(__FILE__, __LINE__, "%s", error);
}

static bool send(uint64_t id)
{
    return rf_requests_send(&c, &(struct rf_slot){.id = id, .kind = RESTY_FFI_CALL, .method = (uint32_t)id});
}

TEST(frames_come_in_order_and_whole)
{
    struct rf_slot s = {.id = 7,
                        .kind = RESTY_FFI_CALL,
                        .flags = RESTY_FFI_END,
                        .status = -5,
                        .data = 4096,
                        .len = 99,
                        .deadline = 1234567890123,
                        .method = 42,
                        .arg = 3},
                   out[4];
    set_up(8);
    CHECK_INT(rf_requests_take(&c, out, 4), 0);
    CHECK(rf_requests_send(&c, &s));
    CHECK(send(8));
    CHECK_INT(rf_requests_take(&c, out, 4), 2);
    CHECK_INT(out[0].id, 7);
    CHECK_INT(out[0].kind, RESTY_FFI_CALL);
    CHECK_INT(out[0].flags, RESTY_FFI_END);
    CHECK_INT(out[0].status, -5);
    CHECK_INT(out[0].data, 4096);
    CHECK_INT(out[0].len, 99);
    CHECK_INT(out[0].deadline, 1234567890123);
    CHECK_INT(out[0].method, 42);
    CHECK_INT(out[0].arg, 3);
    CHECK_INT(out[1].id, 8);
    CHECK_INT(rf_requests_take(&c, out, 4), 0);
    rf_channel_close(&c, false);
}

TEST(a_full_ring_refuses_and_recovers)
{
    static const uint32_t sizes[] = {1, 2, 3, 64, 1000};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        struct rf_slot out[8];
        set_up(sizes[k]);
        uint64_t sent = 0, taken = 0;
        for (int round = 0; round < 100; round++) {
            while (send(sent))
                sent++;
            CHECK(sent - taken >= sizes[k]);
            CHECK_INT(sent - taken, c.at.cells);
            int n = rf_requests_take(&c, out, 1 + round % 8);
            CHECK(n > 0);
            for (int j = 0; j < n; j++)
                CHECK_INT(out[j].id, taken++);
        }
        rf_channel_close(&c, false);
    }
}

TEST(positions_wrap_around)
{
    struct rf_slot out[8];
    set_up(4);
    /* As if it had run for long: the next position is just below 2^32. */
    uint32_t start = 0xfffffffa;
    c.tail = start;
    atomic_store(&c.h->head, start);
    for (uint32_t k = 0; k < c.at.cells; k++) {
        uint32_t position = start + k;
        atomic_store(&c.ring[position & (c.at.cells - 1)], (uint64_t)position << 32);
    }
    for (uint64_t k = 0; k < 20; k++) {
        CHECK(send(k));
        CHECK(send(100 + k));
        CHECK_INT(rf_requests_take(&c, out, 8), 2);
        CHECK_INT(out[0].id, k);
        CHECK_INT(out[1].id, 100 + k);
    }
    rf_channel_close(&c, false);
}

TEST(a_ring_without_slots_refuses)
{
    bool cold;
    set_up(4);
    while (rf_pool_take(&c.slots, &cold) != RF_NONE)
        ;
    CHECK(!send(1));
    CHECK(rf_pool_give(&c.slots, 3, false));
    CHECK(send(1));
    rf_channel_close(&c, false);
}

/* What a host makes of a ring that its child has written over. */
TEST(a_spoilt_ring_only_refuses)
{
    uint64_t seed = 5;
    for (int round = 0; round < 300; round++) {
        set_up(16);
        for (int k = 0; k < 200; k++) {
            uint64_t r = check_random(&seed);
            if (k % 3 == 0)
                atomic_store(&c.ring[r % c.at.cells], check_random(&seed));
            if (k % 7 == 0)
                atomic_store(&c.h->head, (uint32_t)r);
            if (k % 11 == 0)
                atomic_store(&c.h->doze, r);
            if (k % 13 == 0)
                atomic_store(&c.h->slots.top, r % 2 ? r : r % c.at.slots);
            send((uint64_t)k);
        }
        rf_channel_close(&c, false);
    }
}

/* ---- many consumers ---- */

#define CONSUMERS 4
#define FRAMES (CHECK_SANITIZED ? 100000u : 1000000u)
static _Atomic unsigned char *taken;
static _Atomic uint32_t taken_count;

static void *consume(void *arg)
{
    int max = 1 + (int)(uintptr_t)arg * 7;
    struct rf_slot out[64];
    uint64_t last = 0;
    while (atomic_load(&taken_count) < FRAMES) {
        int n = rf_requests_take(&c, out, max);
        if (n == 0)
            sched_yield();
        for (int k = 0; k < n; k++) {
            CHECK(out[k].id > last); /* one consumer sees rising numbers */
            last = out[k].id;
            CHECK_INT(out[k].method, (uint32_t)out[k].id);
            CHECK_INT(atomic_fetch_add(&taken[out[k].id - 1], 1), 0);
        }
        atomic_fetch_add(&taken_count, (uint32_t)n);
    }
    return NULL;
}

TEST(stress_each_frame_is_taken_once)
{
    pthread_t t[CONSUMERS];
    set_up(100);
    taken = calloc(FRAMES, 1);
    for (uintptr_t k = 0; k < CONSUMERS; k++)
        CHECK(pthread_create(&t[k], NULL, consume, (void *)k) == 0);
    for (uint64_t id = 1; id <= FRAMES; id++)
        while (!send(id))
            sched_yield();
    for (int k = 0; k < CONSUMERS; k++)
        pthread_join(t[k], NULL);
    CHECK_INT(atomic_load(&taken_count), FRAMES);
    free((void *)taken);
    rf_channel_close(&c, false);
}
