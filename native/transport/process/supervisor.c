#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../channel/clock.h"
#include "../../channel/failed.h"
#include "../../channel/futex.h"
#include "../../channel/lock.h"
#include "../../loop/search.h"
#include "child.h"
#include "spawn.h"
#include "status.h"

#define MS 1000000u
#define LOOK (100u * MS) /* how often one that ends is looked at */
#define KILL_PATIENCE (5000u * MS)
#define POLLED 3072 /* descriptors that are waited for, three of a child */
#define MESSAGES 16 /* that are read from one child in a round */

static void news(struct rf_child *c, uint32_t what, const char *text)
{
    rf_instance_news(c->instance, what, text, text ? strlen(text) : 0);
}

/* resty-ffi-run then kills the runtime and ends. */
static void hang_up(struct rf_child *c)
{
    if (c->control >= 0)
        close(c->control);
    c->control = -1;
    c->state = RF_CHILD_REAPING;
    c->at = rf_clock_now() + KILL_PATIENCE;
}

static void start_child(struct rf_child *c)
{
    char text[RF_TEXT];
    if (rf_spawn(c, text, sizeof text)) {
        news(c, RF_NEWS_FAILED, text);
        c->told = true;
        c->state = RF_CHILD_REAPING;
        return;
    }
    c->state = RF_CHILD_STARTING;
    c->at = rf_clock_now() + (uint64_t)c->instance->options->load_timeout_ms * MS;
}

/* Reports how a child ended; the last words of one that was never ready say why. */
static void tell_exit(struct rf_child *c, const char *how)
{
    char text[RF_TEXT];
    if (c->told)
        return;
    c->told = true;
    rf_output_rest(c);
    bool words = !c->ready && c->words_len;
    snprintf(text, sizeof text, "%.400s%s%s%s", how, words ? "; its last words: \"" : "", words ? c->words : "",
             words ? "\"" : "");
    news(c, 0, text);
}

/* A failure of exit handlers fails no call, but should not go unnoticed. */
static void tell_bad_end(struct rf_child *c, const char *how)
{
    char text[200];
    if (!c->end || !c->ready || strcmp(how, "exit code 0") == 0)
        return;
    int n = snprintf(text, sizeof text, "its process did not end well: %.100s", how);
    rf_logging_add(c->instance, RESTY_FFI_LOG_WARN, text, (size_t)n);
    news(c, RF_NEWS_OUTPUT, NULL);
}

/* Reports only the first reason: the next one is merely how the child then ended. */
static void tell_failure(struct rf_child *c, const char *why)
{
    if (!c->told)
        news(c, RF_NEWS_FAILED, why);
    c->told = true;
}

/* This process has searched for the library, so the places are its own. */
static void tell_unopened(struct rf_child *c, const char *reason)
{
    char path[4096], text[RF_TEXT];
    if (c->told)
        return;
    rf_search_find(c->instance->lib, path, sizeof path);
    rf_search_explain(path, reason, text, sizeof text);
    tell_failure(c, text);
}

static void hear(struct rf_child *c)
{
    char message[RF_SAY_MAX + 1];
    ssize_t n = 1;
    /* A few at a time: a child that never stops sending must not hold up the others. */
    for (int k = 0; k < MESSAGES && (n = recv(c->control, message, sizeof message - 1, MSG_DONTWAIT)) > 0; k++) {
        message[n] = 0;
        if (message[0] == RF_SAY_READY && c->state == RF_CHILD_STARTING) {
            c->state = RF_CHILD_RUNNING;
            c->ready = true;
            news(c, RF_NEWS_READY, NULL);
        } else if (message[0] == RF_SAY_FAILED) {
            tell_failure(c, message + 1);
        } else if (message[0] == RF_SAY_UNOPENED) {
            tell_unopened(c, message + 1);
        } else if (message[0] == RF_SAY_EXITED) {
            tell_exit(c, message + 1);
            tell_bad_end(c, message + 1);
        }
    }
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)))
        return;
    hang_up(c);
}

static void await_end(struct rf_child *c, uint64_t now)
{
    bool finishes = rf_instance_finishes(c->instance), late = now >= c->instance->end_by;
    if (finishes && !late)
        c->patience = now + RF_PATIENCE;
    if (finishes && late) {
        rf_logging_add(c->instance, RESTY_FFI_LOG_ERR, RF_UNFINISHED, sizeof RF_UNFINISHED - 1);
        news(c, RF_NEWS_OUTPUT, NULL);
    }
    if (now >= c->patience || (finishes && late))
        hang_up(c);
    else
        c->at = c->patience < now + LOOK ? c->patience : now + LOOK;
}

static void advance(struct rf_child *c, uint64_t now)
{
    if (c->end && c->state == RF_CHILD_WAITING) {
        c->state = RF_CHILD_REAPING;
    } else if (c->end && (c->state == RF_CHILD_STARTING || c->state == RF_CHILD_RUNNING)) {
        /* A child that has not started cannot see the end of its queue: no patience. */
        c->patience = now + (c->state == RF_CHILD_RUNNING ? RF_PATIENCE : 0);
        c->at = now;
        c->state = RF_CHILD_ENDING;
    }
    if (c->state == RF_CHILD_WAITING && now >= c->at) {
        start_child(c);
    } else if (c->state == RF_CHILD_STARTING && now >= c->at) {
        char text[128];
        snprintf(text, sizeof text, "its process was not ready within %u ms (load_timeout)",
                 c->instance->options->load_timeout_ms);
        tell_failure(c, text);
        hang_up(c);
    } else if (c->state == RF_CHILD_ENDING && now >= c->at) {
        await_end(c, now);
    } else if (c->state == RF_CHILD_REAPING && c->runner > 0 && now >= c->at) {
        kill(-c->runner, SIGKILL); /* it was stopped, or hangs: its group is the runner and the runtime */
        c->at = now + KILL_PATIENCE;
    }
}

/*
 * True when the runner is gone. nginx reaps every child itself; then waitpid finds none. (The number may name another
 * process by now.)
 */
static bool reaped(struct rf_child *c)
{
    if (c->state != RF_CHILD_REAPING)
        return false;
    if (c->runner <= 0)
        return true;
    int status;
    pid_t pid = waitpid(c->runner, &status, WNOHANG);
    if (pid == c->runner)
        c->status = status;
    return pid == c->runner || (pid < 0 && errno == ECHILD);
}

static void remove_child(struct rf_child **p)
{
    struct rf_child *c = *p;
    *p = c->next;
    char how[100] = "its process is gone";
    if (c->status >= 0)
        rf_status_text(c->status, how, sizeof how);
    tell_exit(c, how);
    rf_output_rest(c);
    for (int k = 0; k < 2; k++)
        if (c->output[k].fd >= 0)
            close(c->output[k].fd);
    if (c->control >= 0)
        close(c->control);
    news(c, c->end ? RF_NEWS_ENDED : RF_NEWS_EXITED, NULL);
    rf_instance_unref(c->instance);
    free(c);
}

static void kill_all(struct rf_supervisor *s)
{
    for (struct rf_child *c = s->children; c; c = c->next)
        if (c->runner > 0)
            kill(-c->runner, SIGKILL);
}

/* One round, under the lock. Returns the time until something is due, -1 = nothing is, -2 = stop. */
static int round_of(struct rf_supervisor *s, struct pollfd *p, nfds_t *count)
{
    uint64_t now = rf_clock_now(), due = 0;
    nfds_t n = 1;
    for (struct rf_child **at = &s->children; *at;) {
        struct rf_child *c = *at;
        rf_output_read(c, false);
        if (c->control >= 0)
            hear(c);
        c->end |= s->stop != 0;
        advance(c, now);
        if (reaped(c)) {
            remove_child(at);
            continue;
        }
        uint64_t next = c->state == RF_CHILD_RUNNING ? 0 : c->state == RF_CHILD_REAPING ? now + 5 * MS : c->at;
        if (next && (!due || next < due))
            due = next;
        if (n + 3 <= POLLED) {
            if (c->control >= 0)
                p[n++] = (struct pollfd){c->control, POLLIN, 0};
            for (int k = 0; k < 2; k++)
                if (c->output[k].fd >= 0)
                    p[n++] = (struct pollfd){c->output[k].fd, POLLIN, 0};
        }
        at = &c->next;
    }
    *count = n;
    if (s->stop && now >= s->stop)
        kill_all(s);
    if (s->stop && (!s->children || now >= s->stop))
        return -2;
    if (s->stop && (!due || s->stop < due))
        due = s->stop;
    return !due ? -1 : due <= now ? 0 : (int)((due - now + MS - 1) / MS);
}

static void *run(void *arg)
{
    static const char thread_name[] = "resty-ffi-super";
    struct rf_supervisor *s = arg;
    struct pollfd p[POLLED];
    prctl(PR_SET_NAME, thread_name);
    for (;;) {
        nfds_t n;
        rf_lock_acquire(&s->lock);
        int wait = round_of(s, p, &n);
        rf_lock_release(&s->lock);
        if (wait == -2)
            break;
        p[0] = (struct pollfd){s->doorbell, POLLIN, 0};
        poll(p, n, wait);
        uint64_t count;
        (void)!read(s->doorbell, &count, sizeof count);
    }
    atomic_store(&s->running, 0);
    rf_futex_wake(&s->running, 1, 0);
    return NULL;
}

static void ring_doorbell(struct rf_supervisor *s)
{
    uint64_t one = 1;
    (void)!write(s->doorbell, &one, sizeof one);
}

/* NULL: error says why. */
static struct rf_supervisor *begin(char *error, size_t size)
{
    struct rf_supervisor *s = calloc(1, sizeof *s);
    pthread_t thread;
    sigset_t all, before;
    if (!s) {
        rf_failed(error, size, "malloc", ENOMEM);
        return NULL;
    }
    s->doorbell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->doorbell < 0) {
        rf_failed(error, size, "eventfd", errno);
        free(s);
        return NULL;
    }
    atomic_init(&s->running, 1);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&thread, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0) {
        pthread_detach(thread);
        return s;
    }
    rf_failed(error, size, "pthread_create for the thread that looks after child processes", rc);
    close(s->doorbell);
    free(s);
    return NULL;
}

static const char *transport_start(struct rf_instance *i, uint32_t delay_ms)
{
    resty_ffi_loop *l = i->loop;
    if (!l->supervisor && !(l->supervisor = begin(l->why, sizeof l->why)))
        return l->why;
    struct rf_child *c = calloc(1, sizeof *c);
    if (!c)
        return "no memory";
    c->instance = i;
    c->control = c->status = c->output[0].fd = c->output[1].fd = -1;
    c->output[0].level = RESTY_FFI_LOG_NOTICE;
    c->output[1].level = RESTY_FFI_LOG_ERR;
    c->at = rf_clock_now() + (uint64_t)delay_ms * MS;
    atomic_fetch_add(&i->refs, 1);
    rf_lock_acquire(&l->supervisor->lock);
    c->next = l->supervisor->children;
    l->supervisor->children = c;
    rf_lock_release(&l->supervisor->lock);
    ring_doorbell(l->supervisor);
    return NULL;
}

static void transport_end(struct rf_instance *i)
{
    struct rf_supervisor *s = i->loop->supervisor;
    if (!s)
        return;
    rf_lock_acquire(&s->lock);
    for (struct rf_child *c = s->children; c; c = c->next)
        if (c->instance == i)
            c->end = true;
    rf_lock_release(&s->lock);
    ring_doorbell(s);
}

static void transport_stop(resty_ffi_loop *l, int timeout_ms)
{
    struct rf_supervisor *s = l->supervisor;
    if (!s)
        return;
    l->supervisor = NULL;
    rf_lock_acquire(&s->lock);
    s->stop = rf_clock_now() + (uint64_t)timeout_ms * MS;
    rf_lock_release(&s->lock);
    ring_doorbell(s);
    uint64_t end = rf_clock_now() + ((uint64_t)timeout_ms + 500) * MS;
    while (atomic_load(&s->running) && rf_clock_now() < end)
        rf_futex_wait(&s->running, 1, 50, 0);
    if (atomic_load(&s->running))
        return; /* cannot be freed; the process is about to end */
    close(s->doorbell);
    free(s);
}

const struct rf_transport rf_supervisor_transport = {.start = transport_start,
                                                     .end = transport_end,
                                                     .stop = transport_stop,
                                                     .shares_memory = true,
                                                     .restarts = true,
                                                     .awaits_end = true};
