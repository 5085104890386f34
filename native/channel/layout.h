/*
 * The memory that host and runtime share: one sparse range per queue, private for the thread transport, shared for the
 * process transport (memory.h). For files of this folder, and for those that read a frame or the header. Everything in
 * it is found by offset, so it may be mapped anywhere.
 *
 *   header | request ring | slots | slot links | method names | block links | blocks, class by class
 *
 * The other side of a shared range may write anything into it at any time. So both sides compute the layout themselves
 * (rf_layout_make depends on max_queue only) and never take a size or a position from the header; what they read from
 * shared memory they copy first and check then.
 */
#ifndef RF_LAYOUT_H
#define RF_LAYOUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resty_ffi.h"

#define RF_MAGIC 0x69666674u
#define RF_CLASSES 10
#define RF_NONE 0xffffffffu
#define RF_MAX_METHODS 4096u
#define RF_METHOD_BYTES 128u
#define RF_MAX_QUEUE (1u << 20)
#define RF_MAX_PAYLOAD ((uint64_t)RESTY_FFI_MAX_PAYLOAD)

/* Room for frames other than calls: cancellations, answers of the shared dict. */
#define RF_CONTROL_ROOM 1024u

#define RF_LINE _Alignas(64)

/* Free indices of one kind; see pool.h. */
struct rf_pool_head {
    RF_LINE _Atomic uint64_t top;   /* tag << 32 | index of the first free one, RF_NONE = none */
    RF_LINE _Atomic uint32_t fresh; /* indices from here on have never been used */
};

#define RF_CUT_SHORT 1u

/* A frame in shared memory. */
struct rf_slot {
    uint64_t id;
    uint16_t kind, flags;
    int32_t status;
    uint64_t data; /* offset of the payload from the start of the range, 0 = none */
    uint64_t len;
    uint64_t deadline;
    uint32_t method;
    uint32_t next; /* the slot sent before this one, while in the list of replies */
    uint64_t arg;
    uint32_t zone;
    uint32_t reserved; /* RF_CUT_SHORT: the queue ends this stream, not the handler */
};

/* Request ring cell: sequence in the high half, slot number in the low half, so that both change at once. */
typedef _Atomic uint64_t rf_cell;

struct rf_header {
    uint32_t magic, abi;
    uint32_t max_queue;
    uint32_t has_config;
    uint64_t config, config_len; /* offset and length */
    uint64_t settings;           /* offset of name\0value\0…\0 */
    uint32_t generation;         /* how often the runtime was reloaded before */
    char name[128];
    RF_LINE _Atomic uint32_t closed;    /* the host wants the runtime to end */
    _Atomic uint64_t end_by;            /* deadline of its end; set before closed */
    _Atomic uint32_t finishing;         /* the runtime has work to finish until then */
    _Atomic uint32_t methods;           /* how many names are valid */
    RF_LINE _Atomic uint32_t head;      /* ring: next cell to take */
    RF_LINE _Atomic uint64_t doze;      /* the sleeping threads of the runtime, and the futex word: see requests.c */
    _Atomic uint32_t signalled;         /* the runtime's eventfd has been written since it was last read */
    RF_LINE _Atomic uint32_t replies;   /* newest slot sent to the host, RF_NONE = none */
    RF_LINE _Atomic uint64_t hot_bytes; /* memory held by large free blocks */
    struct rf_pool_head slots;
    struct rf_pool_head blocks[RF_CLASSES];
};

struct rf_layout {
    uint32_t max_queue, slots;
    uint32_t cells; /* power of two, at least max_queue + RF_CONTROL_ROOM */
    uint64_t ring, slot, slot_links, method_names;
    uint64_t block_links[RF_CLASSES], blocks[RF_CLASSES];
    uint64_t memory, memory_end; /* the payloads: from the first class to the end */
    uint64_t size;
};

_Static_assert(sizeof(struct rf_slot) == 64, "one cache line");
_Static_assert(sizeof(struct rf_header) <= 4096, "the header is one page");

extern const uint32_t rf_layout_class_size[RF_CLASSES];
extern const uint32_t rf_layout_class_count[RF_CLASSES];

/* max_queue: 1 … RF_MAX_QUEUE calls that may wait. */
void rf_layout_make(struct rf_layout *l, uint32_t max_queue);
/* Prepares a range that is all zero. */
void rf_layout_init(const struct rf_layout *l, struct rf_header *h);

#endif
