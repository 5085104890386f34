/* Free indices. */
#include <pthread.h>
#include <stdlib.h>

#include "../../channel/pool.h"
#include "../check.h"

#define COUNT 1000

static struct rf_pool_head head;
static _Atomic uint32_t links[COUNT];
static struct rf_pool pool;

static void set_up(uint32_t count)
{
    atomic_store(&head.top, RF_NONE);
    atomic_store(&head.fresh, 0);
    for (int k = 0; k < COUNT; k++)
        atomic_store(&links[k], 0);
    pool = (struct rf_pool){&head, links, count};
}

TEST(gives_each_index_once_until_none_is_left)
{
    bool seen[COUNT] = {false}, cold;
    set_up(COUNT);
    for (int k = 0; k < COUNT; k++) {
        uint32_t index = rf_pool_take(&pool, &cold);
        CHECK(index < COUNT);
        CHECK(!seen[index]);
        CHECK(cold);
        CHECK(rf_pool_used(&pool, index));
        seen[index] = true;
    }
    for (int k = 0; k < 10; k++)
        CHECK_INT(rf_pool_take(&pool, &cold), RF_NONE);
    CHECK(rf_pool_give(&pool, 17, false));
    CHECK_INT(rf_pool_take(&pool, &cold), 17);
    CHECK_INT(rf_pool_take(&pool, &cold), RF_NONE);
}

TEST(last_given_is_taken_first)
{
    bool cold;
    set_up(COUNT);
    for (int k = 0; k < 10; k++)
        rf_pool_take(&pool, &cold);
    for (uint32_t k = 0; k < 10; k++)
        CHECK(rf_pool_give(&pool, k, false));
    for (uint32_t k = 10; k-- > 0;)
        CHECK_INT(rf_pool_take(&pool, &cold), k);
    CHECK_INT(rf_pool_take(&pool, &cold), 10);
}

TEST(refuses_what_is_not_in_use)
{
    bool cold;
    set_up(COUNT);
    CHECK(!rf_pool_give(&pool, 0, false)); /* never taken */
    uint32_t index = rf_pool_take(&pool, &cold);
    CHECK(rf_pool_give(&pool, index, false));
    CHECK(!rf_pool_give(&pool, index, false));
    CHECK(!rf_pool_used(&pool, index));
    static const uint32_t numbers[] = {COUNT, COUNT + 1, 0x7fffffff, 0x80000000, RF_USED, RF_NONE};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        CHECK(!rf_pool_give(&pool, numbers[k], false));
        CHECK(!rf_pool_claim(&pool, numbers[k]));
        CHECK(!rf_pool_used(&pool, numbers[k]));
    }
    CHECK_INT(rf_pool_take(&pool, &cold), index);
}

TEST(a_claimed_index_is_neither_free_nor_in_use)
{
    bool cold;
    set_up(1);
    CHECK_INT(rf_pool_take(&pool, &cold), 0);
    CHECK(rf_pool_claim(&pool, 0));
    CHECK(!rf_pool_claim(&pool, 0));
    CHECK(!rf_pool_give(&pool, 0, false));
    CHECK(!rf_pool_used(&pool, 0));
    CHECK_INT(rf_pool_take(&pool, &cold), RF_NONE);
    rf_pool_give_claimed(&pool, 0, true);
    CHECK_INT(rf_pool_take(&pool, &cold), 0);
}

TEST(remembers_which_are_cold)
{
    bool cold;
    set_up(COUNT);
    for (int k = 0; k < 4; k++)
        rf_pool_take(&pool, &cold);
    CHECK(rf_pool_give(&pool, 0, true)); /* the last in the list: its link is the end */
    CHECK(rf_pool_give(&pool, 1, false));
    CHECK(rf_pool_give(&pool, 2, true));
    CHECK(rf_pool_give(&pool, 3, false));
    static const bool want[] = {false, true, false, true};
    for (uint32_t k = 0; k < 4; k++) {
        CHECK_INT(rf_pool_take(&pool, &cold), 3 - k);
        CHECK_INT(cold, want[k]);
    }
}

TEST(a_spoilt_pool_gives_nothing_outside)
{
    uint64_t seed = 1;
    for (int round = 0; round < 2000; round++) {
        bool cold;
        set_up(COUNT);
        for (int k = 0; k < 20; k++)
            rf_pool_take(&pool, &cold);
        for (uint32_t k = 0; k < 10; k++)
            rf_pool_give(&pool, k, k % 2);
        switch (round % 4) {
        case 0:
            atomic_store(&head.top, check_random(&seed));
            break;
        case 1:
            atomic_store(&head.fresh, (uint32_t)check_random(&seed));
            break;
        case 2:
            atomic_store(&links[check_random(&seed) % 20], (uint32_t)check_random(&seed));
            break;
        default:
            atomic_store(&links[5], 7); /* a loop */
        }
        for (int k = 0; k < 2 * COUNT; k++) {
            uint32_t index = rf_pool_take(&pool, &cold);
            CHECK(index == RF_NONE || index < COUNT);
        }
        for (uint32_t k = 0; k < 20; k++)
            rf_pool_give(&pool, (uint32_t)check_random(&seed), false);
    }
}

/* Each thread writes its number behind the indices it has, and must find it there when it gives them back. */
#define THREADS 4
#define HELD 40
static uint64_t owner[COUNT];
static _Atomic int refused;

static void *take_and_give(void *arg)
{
    uint64_t me = (uint64_t)(uintptr_t)arg, seed = me;
    uint32_t held[HELD];
    int n = 0;
    for (int k = 0; k < (CHECK_SANITIZED ? 30000 : 300000); k++) {
        bool cold;
        if (n < HELD && check_random(&seed) % 2) {
            uint32_t index = rf_pool_take(&pool, &cold);
            if (index == RF_NONE)
                continue;
            owner[index] = me;
            held[n++] = index;
        } else if (n) {
            uint32_t index = held[--n];
            CHECK_INT(owner[index], me);
            owner[index] = 0;
            CHECK(rf_pool_give(&pool, index, k % 3 == 0));
        }
    }
    while (n)
        rf_pool_give(&pool, held[--n], false);
    return NULL;
}

static void run_threads(void *(*run)(void *))
{
    pthread_t t[THREADS];
    for (uintptr_t k = 0; k < THREADS; k++)
        CHECK(pthread_create(&t[k], NULL, run, (void *)(k + 1)) == 0);
    for (int k = 0; k < THREADS; k++)
        pthread_join(t[k], NULL);
}

TEST(stress_no_index_has_two_owners)
{
    set_up(100); /* fewer than the threads want */
    run_threads(take_and_give);
    bool cold;
    int n = 0;
    while (rf_pool_take(&pool, &cold) != RF_NONE)
        n++;
    CHECK_INT(n, 100);
}

static _Atomic uint32_t shared_index;

static void *give_the_same(void *arg)
{
    (void)arg;
    for (int k = 0; k < 1000; k++)
        if (!rf_pool_give(&pool, atomic_load(&shared_index), false))
            atomic_fetch_add(&refused, 1);
    return NULL;
}

TEST(stress_of_many_gives_one_counts)
{
    for (int round = 0; round < 50; round++) {
        bool cold;
        set_up(COUNT);
        atomic_store(&refused, 0);
        atomic_store(&shared_index, rf_pool_take(&pool, &cold));
        run_threads(give_the_same);
        CHECK_INT(atomic_load(&refused), THREADS * 1000 - 1);
        CHECK_INT(rf_pool_take(&pool, &cold), atomic_load(&shared_index));
        CHECK_INT(rf_pool_take(&pool, &cold), 1);
    }
}
