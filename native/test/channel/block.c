/* Payload memory. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../channel/block.h"
#include "../../channel/channel.h"
#include "../check.h"

#define MB ((uint64_t)1 << 20)

static struct rf_channel c;

static void set_up(bool shared)
{
    struct rf_shared other;
    char error[256];
    if (rf_channel_create(&c, 64, shared ? &other : NULL, error, sizeof error))
        check_failed(__FILE__, __LINE__, "%s", error);
    if (shared)
        close(other.memfd);
}

static int class_of(uint64_t block)
{
    int k = RF_CLASSES - 1;
    while (k > 0 && block < c.at.blocks[k])
        k--;
    return k;
}

TEST(the_smallest_class_that_fits_serves)
{
    set_up(false);
    for (int k = 0; k < RF_CLASSES; k++) {
        uint64_t most = rf_layout_class_size[k], least = k ? rf_layout_class_size[k - 1] + 1 : 0;
        uint64_t a = rf_block_take(&c, least), b = rf_block_take(&c, most);
        CHECK_INT(class_of(a), k);
        CHECK_INT(class_of(b), k);
        CHECK(a != b);
        CHECK_INT(a % 64, 0);
        CHECK(rf_block_valid(&c, a, most));
        CHECK(!rf_block_valid(&c, a, most + 1));
        c.base[b] = c.base[b + most - 1] = 1;
        CHECK(rf_block_give(&c, a));
        CHECK(rf_block_give(&c, b));
    }
    rf_channel_close(&c, false);
}

TEST(too_large_is_refused)
{
    set_up(false);
    CHECK_INT(rf_block_take(&c, rf_layout_class_size[RF_CLASSES - 1] + 1), 0);
    CHECK_INT(rf_block_take(&c, ~(uint64_t)0), 0);
    uint64_t most = rf_block_take(&c, RF_MAX_PAYLOAD + 1); /* the NUL for version 1 */
    CHECK(most);
    CHECK(most + RF_MAX_PAYLOAD < c.at.memory_end);
    rf_channel_close(&c, false);
}

TEST(a_full_class_spills_into_the_next)
{
    set_up(false);
    int k = 8; /* 16 MB, 32 of them; nothing is touched */
    for (uint32_t n = 0; n < rf_layout_class_count[k]; n++)
        CHECK_INT(class_of(rf_block_take(&c, rf_layout_class_size[k])), k);
    uint64_t spilt[8];
    for (int n = 0; n < 8; n++)
        CHECK_INT(class_of(spilt[n] = rf_block_take(&c, rf_layout_class_size[k])), k + 1);
    CHECK_INT(rf_block_take(&c, rf_layout_class_size[k]), 0); /* all used up */
    CHECK_INT(class_of(rf_block_take(&c, 100)), 0);
    CHECK(rf_block_give(&c, spilt[3]));
    CHECK_INT(rf_block_take(&c, rf_layout_class_size[k]), spilt[3]);
    rf_channel_close(&c, false);
}

TEST(what_is_no_block_in_use_is_refused)
{
    set_up(false);
    uint64_t a = rf_block_take(&c, 300), large = rf_block_take(&c, 3 * MB);
    const uint64_t wrong[] = {0,
                              1,
                              64,
                              c.at.ring,
                              c.at.memory - 64,
                              c.at.memory - 1,
                              a + 1,
                              a + 64,
                              a - 64,
                              large + 4096,
                              a + rf_layout_class_size[1],
                              c.at.memory_end,
                              c.at.memory_end - 1,
                              ~(uint64_t)0,
                              (uint64_t)1 << 63,
                              c.at.memory_end + a};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        CHECK(!rf_block_give(&c, wrong[k]));
        CHECK(!rf_block_valid(&c, wrong[k], 1));
        CHECK(!rf_block_valid(&c, wrong[k], 0));
    }
    CHECK(rf_block_give(&c, a));
    CHECK(!rf_block_give(&c, a));
    CHECK(!rf_block_valid(&c, a, 1));
    CHECK(rf_block_give(&c, large));
    CHECK(!rf_block_give(&c, large));
    rf_channel_close(&c, false);
}

static uint64_t resident(uint64_t from, uint64_t len)
{
    size_t pages = len / 4096;
    unsigned char *v = malloc(pages);
    uint64_t n = 0;
    CHECK(mincore(c.base + from, len, v) == 0);
    for (size_t k = 0; k < pages; k++)
        n += v[k] & 1;
    free(v);
    return n * 4096;
}

/* Twelve blocks of 16 MB are used and freed: what stays resident is at most the hot limit. */
static void fill_and_free(bool shared)
{
    enum { N = 12 };
    uint64_t blocks[N];
    set_up(shared);
    uint64_t all = c.at.blocks[8];
    for (int k = 0; k < N; k++) {
        blocks[k] = rf_block_take(&c, 16 * MB);
        for (uint64_t page = 0; page < 16 * MB; page += 4096)
            c.base[blocks[k] + page] = 1;
    }
    uint64_t range = rf_layout_class_size[8] * (uint64_t)N;
    CHECK(resident(all, range) == range);
    for (int k = 0; k < N; k++)
        CHECK(rf_block_give(&c, blocks[k]));
    CHECK(resident(all, range) <= 48 * MB);
    CHECK(resident(all, range) >= 32 * MB); /* and some stays warm */
    CHECK(atomic_load(&c.h->hot_bytes) <= 48 * MB);
    /* Cold ones come back as zeros and usable; counting them again comes out even. */
    for (int round = 0; round < 3; round++) {
        for (int k = 0; k < N; k++) {
            blocks[k] = rf_block_take(&c, 16 * MB);
            CHECK(blocks[k]);
            c.base[blocks[k] + 5 * MB] = 2;
        }
        CHECK_INT(atomic_load(&c.h->hot_bytes), 0);
        for (int k = 0; k < N; k++)
            CHECK(rf_block_give(&c, blocks[k]));
        CHECK(atomic_load(&c.h->hot_bytes) <= 48 * MB);
    }
    rf_channel_close(&c, false);
}

TEST(unused_large_blocks_give_their_memory_back_private)
{
    fill_and_free(false);
}

TEST(unused_large_blocks_give_their_memory_back_shared)
{
    fill_and_free(true);
}

TEST(an_untouched_queue_costs_little)
{
    long before = check_resident_kb();
    set_up(true);
    for (int k = 0; k < 1000; k++)
        rf_block_give(&c, rf_block_take(&c, 100));
    CHECK(check_resident_kb() - before < (CHECK_SANITIZED ? 4000 : 400));
    rf_channel_close(&c, false);
}

#define THREADS 4

static void *fill_and_look(void *arg)
{
    uint64_t me = (uint64_t)(uintptr_t)arg, seed = me, held[16], lens[16];
    int n = 0;
    for (int k = 0; k < (CHECK_SANITIZED ? 10000 : 100000); k++) {
        if (n < 16 && check_random(&seed) % 2) {
            uint64_t r = check_random(&seed), len = r % 100 == 0 ? MB + r % (3 * MB) : 16 + r % 5000;
            uint64_t b = rf_block_take(&c, len);
            CHECK(b);
            memcpy(c.base + b, &me, 8);
            memcpy(c.base + b + len - 8, &me, 8);
            held[n] = b;
            lens[n++] = len;
        } else if (n) {
            n--;
            CHECK(memcmp(c.base + held[n] + lens[n] - 8, &me, 8) == 0);
            CHECK(memcmp(c.base + held[n], &me, 8) == 0);
            CHECK(rf_block_valid(&c, held[n], lens[n]));
            CHECK(rf_block_give(&c, held[n]));
        }
    }
    while (n)
        rf_block_give(&c, held[--n]);
    return NULL;
}

TEST(stress_no_block_has_two_owners)
{
    pthread_t t[THREADS];
    set_up(true);
    for (uintptr_t k = 0; k < THREADS; k++)
        CHECK(pthread_create(&t[k], NULL, fill_and_look, (void *)(k + 1)) == 0);
    for (int k = 0; k < THREADS; k++)
        pthread_join(t[k], NULL);
    CHECK(atomic_load(&c.h->hot_bytes) <= 48 * MB);
    rf_channel_close(&c, false);
}
