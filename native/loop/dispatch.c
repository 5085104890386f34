/* Hands what comes from a runtime, frames and news, to those concerned. */
#include "dispatch.h"

#include <poll.h>
#include <unistd.h>

#include "../channel/block.h"
#include "../channel/clock.h"
#include "../channel/replies.h"
#include "call.h"
#include "control.h"
#include "dict.h"
#include "instance.h"
#include "logging.h"
#include "runtime.h"
#include "stream.h"
#include "watched.h"

static void watch_file(struct rf_instance *i, const struct rf_slot *s)
{
    if (s->len && rf_block_valid(&i->q.ch, s->data, s->len))
        rf_watched_add(i, i->q.ch.base + s->data, s->len);
    rf_block_give(&i->q.ch, s->data);
}

static void frame(struct rf_instance *i, const struct rf_slot *s)
{
    switch (s->kind) {
    case RESTY_FFI_DATA:
        rf_call_message(i, s);
        break;
    case RESTY_FFI_WINDOW:
        rf_stream_window(i, s);
        break;
    case RESTY_FFI_WATCH:
        watch_file(i, s);
        break;
    case RESTY_FFI_LOG:
        rf_logging_frame(i, s);
        break;
    case RESTY_FFI_DICT:
        rf_dict_serve(i, s);
        break;
    default:
        rf_block_give(&i->q.ch, s->data);
    }
}

static void take_frames(struct rf_instance *i)
{
    static const char damaged[] = "it wrote garbage into the shared memory and was ended";
    int n = i->damaged ? 0 : rf_replies_begin(&i->q.ch);
    if (n > 0)
        i->loop->now = rf_clock_now();
    for (int k = n - 1; k >= 0; k--) {
        struct rf_slot s;
        rf_replies_take(&i->q.ch, k, &s);
        frame(i, &s);
    }
    if (i->unsent_count)
        rf_control_flush(i);
    if (n >= 0)
        return;
    i->damaged = true;
    rf_instance_news(i, 0, damaged, sizeof damaged - 1);
    if (i->rt)
        i->user->news(i, RF_NEWS_EXITED);
    rf_instance_close(i);
}

void rf_dispatch_rest(struct rf_instance *i)
{
    rf_logging_output(i);
    int n = i->damaged || i->retired ? 0 : rf_replies_begin(&i->q.ch);
    i->damaged |= n < 0;
    for (int k = n - 1; k >= 0; k--) {
        struct rf_slot s;
        rf_replies_take(&i->q.ch, k, &s);
        if (s.kind == RESTY_FFI_LOG)
            rf_logging_frame(i, &s);
        else
            rf_block_give(&i->q.ch, s.data);
    }
}

void rf_dispatch_ready(void *instance)
{
    struct rf_instance *i = instance;
    atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed); /* the code below may drop the loop's reference */
    if (i->loop->host.level) {
        uint64_t count;
        (void)!read(i->q.ch.to_host, &count, sizeof count);
    }
    /* News first: the list then holds all answers that were sent before the end. */
    uint32_t news = atomic_exchange_explicit(&i->news, 0, memory_order_acquire);
    take_frames(i);
    if (news & (RF_NEWS_OUTPUT | RF_NEWS_EXITED | RF_NEWS_ENDED))
        rf_logging_output(i);
    news &= ~(uint32_t)RF_NEWS_OUTPUT;
    if (news && i->rt)
        i->user->news(i, news);
    if (news & RF_NEWS_FAILED) {
        i->failed = true;
        rf_instance_close(i);
    }
    if (news & (RF_NEWS_ENDED | RF_NEWS_EXITED | RF_NEWS_WANTS_PROCESS))
        rf_instance_gone(i);
    else if (news)
        rf_instance_retire(i);
    rf_instance_unref(i);
}

void rf_dispatch_wait(struct rf_instance **list, uint32_t count, int timeout_ms)
{
    struct pollfd p[RF_MAX_WORKERS];
    struct rf_instance *of[RF_MAX_WORKERS];
    for (uint32_t w = 0; w < count; w++) {
        struct rf_instance *i = of[w] = list[w];
        p[w] = (struct pollfd){i && i->state == RF_STARTING ? i->q.ch.to_host : -1, POLLIN, 0};
        if (i)
            atomic_fetch_add(&i->refs, 1); /* news of one may end the others */
    }
    poll(p, count, timeout_ms);
    for (uint32_t w = 0; w < count; w++) {
        uint64_t ignored;
        /*
         * Read here, or poll would not sleep; an edge-triggered host still gets its event. Read only what poll has
         * seen: a child can make reads of an empty descriptor block.
         */
        if (p[w].revents && of[w]->state != RF_GONE && !of[w]->retired && read(p[w].fd, &ignored, sizeof ignored) > 0)
            rf_dispatch_ready(of[w]);
        if (of[w])
            rf_instance_unref(of[w]);
    }
}
