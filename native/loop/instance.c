#include "instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../channel/block.h"
#include "../channel/clock.h"
#include "../channel/lock.h"
#include "../channel/replies.h"
#include "../channel/requests.h"
#include "../queue/abi1.h"
#include "control.h"
#include "options.h"
#include "runtime.h"
#include "search.h"
#include "transport.h"
#include "watched.h"

void rf_instance_news(struct rf_instance *i, uint32_t news, const char *text, size_t len)
{
    if (text) {
        rf_lock_acquire(&i->lock);
        size_t n = len < sizeof i->text ? len : sizeof i->text - 1;
        memcpy(i->text, text, n);
        i->text[n] = 0;
        rf_lock_release(&i->lock);
    }
    if (news) {
        atomic_fetch_or_explicit(&i->news, news, memory_order_release);
        rf_replies_ring(&i->q.ch);
    }
}

void rf_instance_text(struct rf_instance *i, char *out, size_t size)
{
    rf_lock_acquire(&i->lock);
    snprintf(out, size, "%s", i->text);
    rf_lock_release(&i->lock);
}

static void on_fail(void *arg, const char *text, size_t len)
{
    rf_instance_news(arg, 0, text, len);
}

static void on_ready(void *arg)
{
    (void)arg;
}

static void on_closed(void *arg)
{
    rf_instance_news(arg, RF_NEWS_ENDED, NULL, 0);
    rf_instance_unref(arg);
}

static const struct rf_queue_owner owner = {on_fail, on_ready, on_closed};

static const char *describe(struct rf_instance *i, resty_ffi_runtime *rt)
{
    struct rf_channel *c = &i->q.ch;
    const char *settings = rt->options.settings;
    snprintf(c->h->name, sizeof c->h->name, "%s", rt->name);
    c->h->generation = i->generation;
    if (settings) {
        size_t len = rf_options_list_size(settings);
        uint64_t block = rf_block_take(c, len);
        if (!block)
            return "the settings are larger than the limit of 128 MB";
        memcpy(c->base + block, settings, len);
        c->h->settings = block;
    }
    if (rt->cfg) {
        uint64_t block = rf_block_take(c, rt->cfg_len + 1);
        if (!block)
            return "the configuration is larger than the limit of 128 MB";
        memcpy(c->base + block, rt->cfg, rt->cfg_len);
        c->base[block + rt->cfg_len] = 0;
        c->h->config = block;
        c->h->config_len = rt->cfg_len;
        c->h->has_config = 1;
    }
    /* A child reads its configuration from the shared memory. */
    bool copy = rt->cfg && !i->transport->shares_memory;
    i->lib = strdup(rt->lib);
    i->cfg = copy ? strdup(rt->cfg) : NULL;
    i->options = rf_options_copy(&rt->options);
    return i->lib && i->options && (i->cfg || !copy) ? NULL : "no memory";
}

static void free_instance(struct rf_instance *i)
{
    if (!i->retired)
        rf_channel_close(&i->q.ch, false);
    if (i->shared.memfd >= 0)
        close(i->shared.memfd);
    rf_abi1_free(atomic_load(&i->q.abi1));
    rf_logging_free(i);
    free(i->options);
    free(i->lib);
    free(i->cfg);
    free(i);
}

void rf_instance_unref(struct rf_instance *i)
{
    if (atomic_fetch_sub_explicit(&i->refs, 1, memory_order_acq_rel) == 1)
        free_instance(i);
}

struct rf_instance *rf_instance_new(resty_ffi_runtime *rt, const struct rf_transport *transport,
                                    const struct rf_instance_user *user, uint32_t generation, uint32_t delay_ms,
                                    const char **error)
{
    resty_ffi_loop *l = rt->loop;
    struct rf_instance *i = calloc(1, sizeof *i);
    if (!i) {
        *error = "no memory";
        return NULL;
    }
    i->shared = (struct rf_shared){-1, -1};
    *error = rf_channel_create(&i->q.ch, rt->options.max_queue, transport->shares_memory ? &i->shared : NULL, l->why,
                               sizeof l->why);
    if (*error) {
        free(i);
        return NULL;
    }
    i->q.owner = &owner;
    i->q.owner_arg = i;
    i->loop = l;
    i->transport = transport;
    i->user = user;
    i->generation = generation;
    i->since = rf_clock_now();
    snprintf(i->name, sizeof i->name, "%s", rt->name);
    atomic_init(&i->refs, 1);
    if (!(*error = describe(i, rt)))
        *error = l->host.watch(l->host.host, i->q.ch.to_host, user->ready, i, &i->watch);
    if (!*error && (*error = transport->start(i, delay_ms)))
        l->host.unwatch(l->host.host, i->watch);
    if (*error) {
        rf_instance_unref(i);
        return NULL;
    }
    i->rt = rt;
    i->next = l->instances;
    l->instances = i;
    if (rt->options.watch) {
        char path[4096];
        rf_search_find(rt->lib, path, sizeof path);
        rf_watched_add(i, path, strlen(path));
    }
    return i;
}

void rf_instance_close(struct rf_instance *i)
{
    if (i->state == RF_CLOSING || i->state == RF_GONE)
        return;
    uint64_t end = (uint64_t)i->options->drain_ms * 1000000;
    i->state = RF_CLOSING;
    i->since = rf_clock_now();
    i->patience = i->since + RF_PATIENCE;
    i->end_by = i->since + (end > RF_PATIENCE ? end : RF_PATIENCE);
    if (i->loop->closed && i->end_by > i->loop->end_by)
        i->end_by = i->loop->end_by;
    atomic_store_explicit(&i->q.ch.h->end_by, i->end_by, memory_order_relaxed);
    atomic_store_explicit(&i->q.ch.h->closed, 1, memory_order_release);
    rf_requests_wake_all(&i->q.ch);
    i->transport->end(i);
}

bool rf_instance_finishes(const struct rf_instance *i)
{
    return atomic_load_explicit(&i->q.ch.h->finishing, memory_order_acquire) != 0;
}

static void unlink_instance(struct rf_instance *i)
{
    struct rf_instance **p = &i->loop->instances;
    while (*p && *p != i)
        p = &(*p)->next;
    if (*p)
        *p = i->next;
}

/* A host that has closed its loop is gone: calls that are released later must not reach it. */
static void unwatch_instance(struct rf_instance *i)
{
    if (!i->loop->closed)
        i->loop->host.unwatch(i->loop->host.host, i->watch);
}

/* What only the loop uses. */
static void strip_instance(struct rf_instance *i)
{
    rf_control_drop(i);
    rf_watched_free(i);
}

static void forget_instance(struct rf_instance *i)
{
    unlink_instance(i);
    unwatch_instance(i);
    strip_instance(i);
    rf_instance_unref(i);
}

void rf_instance_released(struct rf_instance *i)
{
    if (i->state == RF_GONE && i->held == 0)
        forget_instance(i);
}

void rf_instance_gone(struct rf_instance *i)
{
    if (i->state == RF_GONE)
        return;
    i->state = RF_GONE;
    rf_instance_released(i);
}

static bool silent(struct rf_instance *i)
{
    if (i->transport->awaits_end)
        return false;
    return atomic_load(&i->q.abi1) || (i->failed && !atomic_load(&i->q.served));
}

bool rf_instance_left(struct rf_instance *i)
{
    return silent(i) ? rf_queue_left(&i->q) : rf_queue_ended(&i->q);
}

/*
 * A runtime of version 1, or one whose libffi_init failed before it polled, does not report that its threads are done
 * with the queue. When no thread is inside the queue and every task is answered, memory and descriptors go. The struct
 * stays, so that a second answer or a thread that polls again finds an ended queue instead of freed memory. The price:
 * 2 KB per unload.
 */
void rf_instance_retire(struct rf_instance *i)
{
    if (i->state != RF_CLOSING || !silent(i) || i->held || i->owed || !rf_queue_left(&i->q))
        return;
    unwatch_instance(i);
    strip_instance(i);
    i->retired = true;
    rf_channel_close(&i->q.ch, false);
    unlink_instance(i);
}

void rf_instance_sweep(resty_ffi_loop *l)
{
    for (struct rf_instance *i = l->instances, *next; i; i = next) {
        next = i->next;
        rf_instance_retire(i);
    }
}
