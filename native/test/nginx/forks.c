/* Forks of nginx that lay out their structs in other ways: known ones are served, unknown ones refused untouched. */
#include <stdlib.h>
#include <string.h>

#include "../../host/nginx/event.h"
#include "../../host/nginx/nginx_abi.h"
#include "../check.h"

struct fork {
    void (*start)(void);
    void *(*get)(int fd, void *log);
    ngx_event_action add, del;
    void (*serve)(void);
    void *connection;
};

static struct {
    struct ngx_cycle_prefix cycle;
    uintptr_t log;
} nginx;
static const struct fork *fork_;
static bool exhausted;
static int lent, given; /* connections of nginx's: at present, and ever */
static void *watched;
static int watched_fd;

volatile struct ngx_cycle_prefix *ngx_cycle = &nginx.cycle;
ngx_event_action ngx_event_actions[2];

void *ngx_get_connection(int fd, void *log)
{
    if (exhausted)
        return NULL;
    CHECK_INT(fd, -1);
    lent++;
    given++;
    return fork_->get(fd, log);
}

void ngx_free_connection(void *connection)
{
    CHECK(connection == fork_->connection);
    lent--;
}

/* Every nginx since 1.9.11. */
#define FORK standard
#include "fork.h"

/* Tengine with ngx_multi_upstream_module. */
#define FORK multi
#define AFTER_DATA void *multi;
#include "fork.h"

/* Tengine with --with-openssl-async. */
static void *async_event[32];
#define FORK async
#define AFTER_WRITE_BIT unsigned async : 1;
#define AFTER_HANDLER void (*saved)(struct async_event *);
#define AFTER_WRITE void *async;
#define AFTER_FD int async_fd;
#define PREPARE(c) (c)->async = async_event;
#include "fork.h"

#define FORK both
#define AFTER_WRITE_BIT unsigned async : 1;
#define AFTER_HANDLER void (*saved)(struct both_event *);
#define AFTER_DATA void *multi;
#define AFTER_WRITE void *async;
#define AFTER_FD int async_fd;
#define PREPARE(c) (c)->async = async_event;
#include "fork.h"

/* From here on forks that nobody has made yet. */
#define FORK numbered
#define AFTER_DATA uintptr_t number;
#define PREPARE(c) (c)->number = 0x12345678;
#include "fork.h"

/* Looks like the standard until its first pointer is followed. */
#define FORK bait
#define AFTER_DATA                                                                                                     \
    uintptr_t address;                                                                                                 \
    void *second;                                                                                                      \
    int other_fd;
#define PREPARE(c)                                                                                                     \
    (c)->address = 0x7ffffffff000;                                                                                     \
    (c)->second = c;                                                                                                   \
    (c)->other_fd = -1;
#include "fork.h"

#define FORK bitten
#define AFTER_WRITE_BIT unsigned first : 1, second : 1;
#include "fork.h"

#define FORK handled
#define AFTER_HANDLER void *second, *third;
#include "fork.h"

#define FORK headed
#define EVENT_FIRST void *head;
#include "fork.h"

static void run(const struct fork *f)
{
    fork_ = f;
    ngx_event_actions[0] = f->add;
    ngx_event_actions[1] = f->del;
    nginx.cycle.log = &nginx.log;
    f->start();
}

static void count(void *arg)
{
    ++*(int *)arg;
}

static void serves(const struct fork *f)
{
    int times = 0;
    void *handle, *again;
    run(f);
    CHECK(!rf_nginx_event_begin());
    CHECK_INT(lent, 0);
    for (int round = 1; round <= 3; round++) {
        CHECK(!rf_nginx_event_watch(NULL, 40 + round, count, &times, &handle));
        CHECK_INT(watched_fd, 40 + round);
        f->serve();
        f->serve();
        CHECK_INT(times, 2 * round);
        rf_nginx_event_unwatch(NULL, handle);
        CHECK(watched == NULL);
    }
    CHECK(!rf_nginx_event_watch(NULL, 50, count, &times, &again));
    CHECK(again == handle); /* used again */
    int before = given;
    CHECK(!rf_nginx_event_begin());
    CHECK_INT(given, before); /* looked at once */
}

static void refuses(const struct fork *f)
{
    run(f);
    CHECK_HAS(rf_nginx_event_begin(), "lays out its connections and events in a way that is not known");
    CHECK_INT(lent, 0);
    CHECK(given > 0);
    CHECK(watched == NULL);
    CHECK_HAS(rf_nginx_event_begin(), "not known"); /* and again */
}

TEST(standard)
{
    serves(&standard_fork);
}

TEST(a_pointer_after_the_connections_data)
{
    serves(&multi_fork);
}

TEST(a_third_event_and_a_bit_more)
{
    serves(&async_fork);
}

TEST(both_of_them)
{
    serves(&both_fork);
}

TEST(a_number_after_the_connections_data)
{
    refuses(&numbered_fork);
}

TEST(what_looks_like_a_pointer_is_not_followed)
{
    refuses(&bait_fork);
}

TEST(two_bits_more)
{
    refuses(&bitten_fork);
}

TEST(two_handlers_more)
{
    refuses(&handled_fork);
}

TEST(an_event_whose_data_is_not_first)
{
    refuses(&headed_fork);
}

TEST(no_connection_is_left)
{
    run(&standard_fork);
    exhausted = true;
    CHECK_HAS(rf_nginx_event_begin(), "raise worker_connections");
    exhausted = false;
    CHECK(!rf_nginx_event_begin());
}

TEST(a_cycle_whose_log_is_elsewhere)
{
    run(&standard_fork);
    nginx.cycle.log = (void *)((uintptr_t)&nginx + 4096);
    CHECK_HAS(rf_nginx_event_begin(), "keeps its log in a place that is not known");
    CHECK_INT(given, 0);
    nginx.cycle.log = NULL;
    CHECK_HAS(rf_nginx_event_begin(), "not known");
}
