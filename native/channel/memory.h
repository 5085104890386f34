/* The memory behind a queue's range. For channel.c. */
#ifndef RF_MEMORY_H
#define RF_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/*
 * What another process maps: a sealed memfd, or a System V segment where memfds are forbidden. A file would not do: a
 * child that may write to it may also truncate it, and a full file system has no page left; either makes the host's
 * next access a SIGBUS. The size of a segment never changes.
 */
struct rf_shared {
    int memfd;   /* -1 = none; the owner closes it */
    int segment; /* -1 = none; the number of a removed segment, which lives as long as a process maps it */
};

/* Maps size bytes, all zero; shared: for other processes too, NULL = private. NULL: error (error_size bytes) says why.
 */
char *rf_memory_make(uint64_t size, struct rf_shared *shared, char *error, size_t error_size);
/* Maps what another process made. */
char *rf_memory_attach(uint64_t size, const struct rf_shared *shared, char *error, size_t error_size);

#endif
