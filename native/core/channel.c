#include "channel.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not in the headers of older systems. */
#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#define F_SEAL_SEAL 1
#define F_SEAL_SHRINK 2
#define F_SEAL_GROW 4
#endif
#define RF_MFD_CLOEXEC 1u
#define RF_MFD_ALLOW_SEALING 2u

static void view(struct rf_channel *c)
{
    c->h = (struct rf_header *)c->base;
    c->ring = (rf_cell *)(c->base + c->at.ring);
    c->slot = (struct rf_slot *)(c->base + c->at.slot);
    c->slots = (struct rf_pool){&c->h->slots, (_Atomic uint32_t *)(c->base + c->at.slot_links), c->at.slots};
    for (int k = 0; k < RF_CLASSES; k++)
        c->blocks[k] =
            (struct rf_pool){&c->h->blocks[k], (_Atomic uint32_t *)(c->base + c->at.block_links[k]), rf_class_count[k]};
}

static const char *map(struct rf_channel *c, int memfd)
{
    int flags = memfd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED | MAP_NORESERVE;
    c->base = mmap(NULL, c->at.size, PROT_READ | PROT_WRITE, flags, memfd, 0);
    if (c->base == MAP_FAILED) {
        c->base = NULL;
        return "no address space for the queue (see ulimit -v)";
    }
    /* Huge pages would make every touched block cost 2 MB. */
    madvise(c->base, c->at.size, MADV_NOHUGEPAGE);
    c->shared = memfd >= 0;
    view(c);
    return NULL;
}

static const char *make_memfd(uint64_t size, int *memfd)
{
    int fd = (int)syscall(SYS_memfd_create, "resty_ffi", RF_MFD_CLOEXEC | RF_MFD_ALLOW_SEALING);
    if (fd < 0)
        return "memfd_create failed (Linux 3.17 or newer is needed)";
    /* Sealed: a child that shrank the file would make the host's next access a SIGBUS. */
    if (ftruncate(fd, (off_t)size) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
        close(fd);
        return "the shared memory could not be sized and sealed";
    }
    *memfd = fd;
    return NULL;
}

const char *rf_channel_create(struct rf_channel *c, uint32_t max_queue, int *memfd)
{
    const char *error;
    memset(c, 0, sizeof *c);
    c->to_runtime = c->to_host = -1;
    if (memfd)
        *memfd = -1;
    rf_layout_make(&c->at, max_queue);
    if (memfd && (error = make_memfd(c->at.size, memfd)))
        return error;
    error = map(c, memfd ? *memfd : -1);
    if (!error) {
        rf_layout_init(&c->at, c->h);
        c->to_runtime = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        c->to_host = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (c->to_runtime < 0 || c->to_host < 0)
            error = "no descriptors left for the queue (see ulimit -n)";
    }
    if (error) {
        if (memfd)
            close(*memfd);
        rf_channel_close(c, false);
    }
    return error;
}

const char *rf_channel_attach(struct rf_channel *c, uint32_t max_queue, int memfd, int to_runtime, int to_host)
{
    memset(c, 0, sizeof *c);
    c->to_runtime = to_runtime;
    c->to_host = to_host;
    if (max_queue < 1 || max_queue > RF_MAX_QUEUE)
        return "the size of the queue is out of range";
    rf_layout_make(&c->at, max_queue);
    const char *error = map(c, memfd);
    if (!error && (c->h->magic != RF_MAGIC || c->h->abi != RESTY_FFI_ABI || c->h->max_queue != max_queue))
        error = "the shared memory is of another version of libresty_ffi.so";
    return error;
}

void rf_channel_close(struct rf_channel *c, bool keep_range)
{
    if (c->base && keep_range)
        madvise(c->base + c->at.memory, c->at.memory_end - c->at.memory, c->shared ? MADV_REMOVE : MADV_DONTNEED);
    else if (c->base)
        munmap(c->base, c->at.size);
    if (keep_range)
        return;
    if (c->to_runtime >= 0)
        close(c->to_runtime);
    if (c->to_host >= 0)
        close(c->to_host);
    free(c->order);
    memset(c, 0, sizeof *c);
    c->to_runtime = c->to_host = -1;
}
