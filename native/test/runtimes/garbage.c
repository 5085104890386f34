/*
 * A runtime that damages the memory it shares with its host, on purpose. For the process transport only: in the host's
 * own process it would damage the host. Load it with max_queue = GARBAGE_QUEUE.
 *
 * Requests: "echo" is echoed. Any other is one of these, and is answered "did" first if it is to be answered at all:
 *
 *   header zero ring slots links   overwrite that part of the memory; with answers from then on as they may come
 *   loop range next                spoil the list of replies
 *   offsets dict                   frames whose payloads lie anywhere
 *   ids HEX…                       answers calls with these ids, which are other runtimes'
 *   double                         answers the call many times
 *   flood                          log lines and answers to nobody, more than the host can keep up with
 *   control                        nonsense on the control socket, for as long as it lives
 *   blocking                       switches the eventfds to blocking reads and drains them
 *   punch                          tries to shrink the memory, punches holes into it
 *   fuzz SEED                      two threads that write anywhere outside the payloads, until the process ends
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../channel/layout.h"
#include "../../transport/process/child.h"
#include "resty_ffi.h"

#define GARBAGE_QUEUE 256

static resty_ffi_queue *q;
static struct rf_layout at;
static char *base;
static struct rf_header *h;
static struct rf_slot *slots;

static uint64_t random_number(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void scribble(uint64_t from, uint64_t to, uint64_t seed)
{
    for (uint64_t k = from; k + 8 <= to; k += 8) {
        uint64_t r = random_number(&seed);
        /* Small numbers are more often taken for real ones. */
        r = r % 3 == 0 ? r % 64 : r;
        memcpy(base + k, &r, 8);
    }
}

static void ring_host(void)
{
    uint64_t one = 1;
    (void)!write(RF_FD_TO_HOST, &one, sizeof one);
}

/* Sends a slot by hand, whatever is in it. */
static void push(uint32_t slot, const struct rf_slot *s, uint32_t next)
{
    if (s)
        slots[slot] = *s;
    slots[slot].next = next;
    atomic_store(&h->replies, slot);
    ring_host();
}

static void reply(uint64_t id, const char *text)
{
    resty_ffi_frame f = {.id = id,
                         .kind = RESTY_FFI_DATA,
                         .flags = RESTY_FFI_END | RESTY_FFI_COPY,
                         .data = (void *)text,
                         .len = strlen(text)};
    resty_ffi_send(q, &f, 1);
}

static void loop(void)
{
    slots[10].next = 11;
    slots[11].next = 12;
    push(12, NULL, 10);
}

static void range(void)
{
    static const uint32_t numbers[] = {0xfffffffe, 0x80000000, 0x7fffffff, 100000};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        atomic_store(&h->replies, numbers[k]);
        ring_host();
    }
}

static void next(void)
{
    push(10, NULL, at.slots);
}

/* Every frame that a host reads a payload of, with every kind of wrong place. */
static void offsets(uint64_t id, uint16_t kind)
{
    const uint64_t wrong[] = {1,
                              8,
                              at.memory - 64,
                              at.memory + 1,
                              at.memory + 63,
                              at.memory_end - 1,
                              at.memory_end,
                              at.memory_end + 4096,
                              at.size * 2,
                              (uint64_t)1 << 63,
                              ~(uint64_t)0,
                              ~(uint64_t)0 - 4095,
                              at.blocks[RF_CLASSES - 1] + (uint64_t)rf_layout_class_size[RF_CLASSES - 1] * 7 + 64,
                              at.blocks[3]};
    const uint64_t lengths[] = {1, 64, (uint64_t)1 << 20, (uint64_t)1 << 32, ~(uint64_t)0};
    uint32_t slot = 20;
    for (size_t a = 0; a < sizeof wrong / sizeof *wrong; a++) {
        for (size_t b = 0; b < sizeof lengths / sizeof *lengths; b++) {
            struct rf_slot s = {.id = id,
                                .kind = kind,
                                .flags = RESTY_FFI_END,
                                .status = kind == RESTY_FFI_LOG ? RESTY_FFI_LOG_NOTICE : 0,
                                .data = wrong[a],
                                .len = lengths[b],
                                .method = RESTY_FFI_DICT_SET,
                                .arg = b % 2 ? lengths[b] : 0};
            while (atomic_load(&h->replies) != RF_NONE) /* one at a time, so that each is looked at */
                nanosleep(&(struct timespec){0, 100000}, NULL);
            push(slot++, &s, RF_NONE);
        }
    }
}

static void flood(void)
{
    static const char text[] = "a line of a flood";
    for (int k = 0; k < 20000; k++) {
        resty_ffi_frame f[8];
        for (int j = 0; j < 8; j++)
            f[j] = (resty_ffi_frame){.id = (uint64_t)k << 32 | (uint64_t)j,
                                     .kind = j % 2 ? RESTY_FFI_LOG : RESTY_FFI_DATA,
                                     .flags = RESTY_FFI_END | RESTY_FFI_COPY,
                                     .status = RESTY_FFI_LOG_NOTICE,
                                     .data = (void *)text,
                                     .len = sizeof text - 1};
        resty_ffi_send(q, f, 8);
    }
}

static void *shout(void *arg)
{
    static const char *const words[] = {"R", "X", "Rready", "?", "\0\0\0", "R"};
    (void)arg;
    for (unsigned k = 0;; k++)
        if (send(RF_FD_CONTROL, words[k % 6], 1 + strlen(words[k % 6] + 1), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            sched_yield();
    return NULL;
}

static void blocking(void)
{
    uint64_t count;
    for (int fd = RF_FD_TO_RUNTIME; fd <= RF_FD_TO_HOST; fd++) {
        if (fcntl(fd, F_GETFL) & O_NONBLOCK)
            (void)!read(fd, &count, sizeof count);
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    }
}

static void punch(void)
{
    (void)!ftruncate(RF_FD_MEMORY, 0);
    (void)!ftruncate(RF_FD_MEMORY, 4096);
    fallocate(RF_FD_MEMORY, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)at.size);
}

/* Random writes: mostly where something is in use. Never ends. */
static void *fuzz(void *arg)
{
    uint64_t seed = (uint64_t)(uintptr_t)arg;
    const struct {
        uint64_t from, len;
    } parts[] = {{0, sizeof *h},
                 {0, sizeof *h},
                 {at.ring, sizeof(rf_cell) * at.cells},
                 {at.slot, sizeof *slots * 80},
                 {at.slot, sizeof *slots * 80},
                 {at.slot_links, 4 * 80},
                 {at.block_links[0], 4 * 80},
                 {0, at.memory}};
    for (unsigned k = 0;; k++) {
        uint64_t r = random_number(&seed), value = random_number(&seed);
        size_t part = r % (sizeof parts / sizeof *parts), width = (size_t)1 << (r >> 8) % 4;
        uint64_t where = (parts[part].from + (r >> 16) % parts[part].len) & ~(width - 1);
        if (value % 2)
            value = (value >> 8) % 100;
        memcpy(base + where, &value, width);
        if (k % 16 == 0)
            ring_host();
        if (k % 64 == 0)
            nanosleep(&(struct timespec){0, 20000}, NULL);
    }
    return NULL;
}

static void start(void *(*run)(void *), uint64_t arg)
{
    pthread_t t;
    if (pthread_create(&t, NULL, run, (void *)(uintptr_t)arg) == 0)
        pthread_detach(t);
}

static void answer_others(char *ids)
{
    for (char *id = strtok(ids, " "); id; id = strtok(NULL, " "))
        reply(strtoull(id, NULL, 16), "stolen");
}

static void act(const resty_ffi_frame *f)
{
    char text[512] = "";
    memcpy(text, f->data, f->len < sizeof text ? f->len : sizeof text - 1);
    resty_ffi_free(q, f->data);
    char *rest = text + strcspn(text, " ");
    if (*rest)
        *rest++ = 0;
#define IS(name) (strcmp(text, name) == 0)
    if (IS("offsets"))
        offsets(f->id, RESTY_FFI_DATA);
    else if (IS("ids"))
        answer_others(rest);
    else if (IS("double"))
        for (int k = 0; k < 50; k++)
            reply(f->id, "again");
    else if (IS("flood"))
        flood();
    reply(f->id, IS("echo") ? "echo" : "did");
    if (IS("header"))
        scribble(0, sizeof *h, 1);
    else if (IS("zero"))
        memset(base, 0, sizeof *h);
    else if (IS("ring"))
        scribble(at.ring, at.ring + sizeof(rf_cell) * at.cells, 2);
    else if (IS("slots"))
        scribble(at.slot, at.slot + sizeof *slots * at.slots, 3);
    else if (IS("links"))
        scribble(at.slot_links, at.memory, 4);
    else if (IS("loop"))
        loop();
    else if (IS("range"))
        range();
    else if (IS("next"))
        next();
    else if (IS("dict"))
        offsets(f->id, RESTY_FFI_DICT);
    else if (IS("log"))
        offsets(f->id, RESTY_FFI_LOG);
    else if (IS("control"))
        start(shout, 0);
    else if (IS("blocking"))
        blocking();
    else if (IS("punch"))
        punch();
    else if (IS("fuzz")) {
        start(fuzz, strtoull(rest, NULL, 10));
        start(fuzz, ~strtoull(rest, NULL, 10));
    }
}

static void *serve(void *arg)
{
    (void)arg;
    resty_ffi_frame f;
    while (resty_ffi_poll(q, &f, 1, -1) >= 0)
        if (f.kind == RESTY_FFI_CALL && f.data)
            act(&f);
    resty_ffi_close(q);
    return NULL;
}

int libffi_init(char *cfg, void *tq)
{
    size_t len;
    (void)cfg;
    q = tq;
    rf_layout_make(&at, GARBAGE_QUEUE);
    base = (char *)resty_ffi_memory(q, &len) - at.memory;
    h = (struct rf_header *)base;
    slots = (struct rf_slot *)(base + at.slot);
    if (h->max_queue != GARBAGE_QUEUE) {
        static const char text[] = "load it with max_queue 256";
        resty_ffi_fail(q, text, sizeof text - 1);
        return 1;
    }
    start(serve, 0);
    return 0;
}
