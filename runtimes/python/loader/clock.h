/* The clock that deadlines and batches go by. */
#ifndef RESTY_FFI_PYTHON_CLOCK_H
#define RESTY_FFI_PYTHON_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#endif
