/* Frames that must not be lost, when the queue is full and memory runs out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../channel/requests.h"
#include "../../loop/control.h"
#include "../../loop/instance.h"
#include "../check.h"

static struct rf_instance i;
static struct resty_ffi_loop l;
static bool no_memory;
static int ticks, lines;
static char line[200];

/* The linker puts these two in the place of realloc (--wrap). */
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_realloc(void *p, size_t size)
{
    return no_memory ? NULL : __real_realloc(p, size);
}

static void on_tick(void *host)
{
    (void)host;
    ticks++;
}

static void on_log(void *host, int level, const char *runtime, const char *text, size_t len)
{
    (void)host;
    (void)level;
    (void)runtime;
    lines++;
    snprintf(line, sizeof line, "%.*s", (int)len, text);
}

static uint64_t sent; /* the ids of frames are their numbers */

static struct rf_slot next_frame(void)
{
    return (struct rf_slot){.id = sent, .kind = RESTY_FFI_CANCEL};
}

/* A queue that is full. */
static void set_up(void)
{
    char error[256];
    struct rf_slot s;
    if (rf_channel_create(&i.q.ch, 4, NULL, error, sizeof error))
        check_failed(__FILE__, __LINE__, "%s", error);
    i.loop = &l;
    l.host.tick = on_tick;
    l.host.log = on_log;
    while (s = next_frame(), rf_requests_send(&i.q.ch, &s))
        sent++;
}

/* All frames that were sent are there, in order. */
static void tear_down(void)
{
    struct rf_slot s;
    uint64_t taken = 0;
    do {
        for (; rf_requests_take(&i.q.ch, &s, 1) == 1; taken++)
            CHECK_INT(s.id, taken);
        rf_control_flush(&i);
    } while (taken < sent && rf_requests_waiting(&i.q.ch));
    CHECK_INT(taken, sent);
    CHECK_INT(l.unsent, 0);
    rf_control_drop(&i);
    rf_channel_close(&i.q.ch, false);
}

/* How many more can wait without a reservation. */
static uint32_t fill(void)
{
    uint32_t count = 0;
    struct rf_slot s;
    while (s = next_frame(), rf_control_try(&i, &s)) {
        sent++;
        count++;
    }
    return count;
}

TEST(what_is_reserved_needs_no_memory)
{
    set_up();
    CHECK(rf_control_reserve(&i, 100));
    no_memory = true;
    fill(); /* others take what they find, and leave what is reserved */
    for (int k = 0; k < 100; k++, sent++) {
        struct rf_slot s = next_frame();
        rf_control_send(&i, &s);
    }
    CHECK_INT(lines, 0);
    CHECK_INT(ticks, 1);
    no_memory = false;
    tear_down();
}

TEST(a_reservation_is_refused_when_there_is_no_memory)
{
    set_up();
    no_memory = true;
    CHECK(!rf_control_reserve(&i, 1));
    CHECK_INT(fill(), 0);
    no_memory = false;
    CHECK(rf_control_reserve(&i, 1));
    no_memory = true;
    CHECK_INT(fill(), 15);
    no_memory = false;
    tear_down();
}

TEST(what_a_call_gives_back_serves_others)
{
    set_up();
    CHECK(rf_control_reserve(&i, 64));
    no_memory = true;
    CHECK_INT(fill(), 0);
    rf_control_unreserve(&i, 60);
    CHECK_INT(fill(), 60);
    CHECK(!rf_control_reserve(&i, 1));
    no_memory = false;
    tear_down();
}

TEST(more_than_was_reserved_is_said_to_be_lost)
{
    set_up();
    CHECK(rf_control_reserve(&i, 64));
    no_memory = true;
    for (int k = 0; k < 64; k++, sent++) {
        struct rf_slot s = next_frame();
        rf_control_send(&i, &s);
    }
    CHECK_INT(lines, 0);
    struct rf_slot s = next_frame();
    rf_control_send(&i, &s);
    CHECK_INT(lines, 1);
    CHECK_HAS(line, "a frame to the runtime is dropped because no memory is left");
    no_memory = false;
    tear_down();
}
