#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "failed.h"

/* Not in the headers of older systems. */
#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#define F_SEAL_SEAL 1
#define F_SEAL_SHRINK 2
#define F_SEAL_GROW 4
#endif
#define RF_MFD_CLOEXEC 1u
#define RF_MFD_ALLOW_SEALING 2u
#define RF_MFD_NOEXEC_SEAL 8u

static char *map(uint64_t size, int flags, int memfd, char *error, size_t error_size)
{
    char call[60];
    char *base = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE, memfd, 0);
    if (base != MAP_FAILED)
        return base;
    snprintf(call, sizeof call, "mmap of %llu MB", (unsigned long long)size >> 20);
    rf_failed(error, error_size, call, errno);
    return NULL;
}

/* Some kernels refuse executable memfds (vm.memfd_noexec); older ones do not know the flag. */
static int create_memfd(void)
{
    unsigned flags = RF_MFD_CLOEXEC | RF_MFD_ALLOW_SEALING;
    int fd = (int)syscall(SYS_memfd_create, "resty_ffi", flags | RF_MFD_NOEXEC_SEAL);
    return fd < 0 && errno == EINVAL ? (int)syscall(SYS_memfd_create, "resty_ffi", flags) : fd;
}

/* ftruncate beyond RLIMIT_FSIZE would send this process a signal. */
static int set_size(int fd, uint64_t size)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= size)
        return ftruncate(fd, (off_t)size);
    errno = EFBIG;
    return -1;
}

static char *make_memfd(uint64_t size, struct rf_shared *shared, char *error, size_t error_size)
{
    const char *failed = NULL;
    int fd = create_memfd();
    if (fd < 0)
        failed = "memfd_create";
    else if (set_size(fd, size) != 0)
        failed = "ftruncate of a memfd (ulimit -f)";
    else if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) != 0)
        failed = "fcntl(F_ADD_SEALS)";
    char *base = failed ? NULL : map(size, MAP_SHARED, fd, error, error_size);
    if (failed)
        rf_failed(error, error_size, failed, errno);
    if (base)
        shared->memfd = fd;
    else if (fd >= 0)
        close(fd);
    return base;
}

static char *attach_segment(int segment, char *error, size_t error_size)
{
    char *base = shmat(segment, NULL, 0);
    if (base != (char *)-1)
        return base;
    rf_failed(error, error_size, "shmat", errno);
    return NULL;
}

/* Linux keeps a removed segment until its last mapping is gone, so none is ever left behind. */
static char *make_segment(uint64_t size, struct rf_shared *shared, char *error, size_t error_size)
{
    int segment = shmget(IPC_PRIVATE, size, IPC_CREAT | SHM_NORESERVE | 0600);
    if (segment < 0) {
        rf_failed(error, error_size, "shmget", errno);
        return NULL;
    }
    char *base = attach_segment(segment, error, error_size);
    shmctl(segment, IPC_RMID, NULL);
    if (base)
        shared->segment = segment;
    return base;
}

/* Huge pages would make every touched block cost 2 MB. */
static char *small_pages(char *base, uint64_t size)
{
    if (base)
        madvise(base, size, MADV_NOHUGEPAGE);
    return base;
}

char *rf_memory_make(uint64_t size, struct rf_shared *shared, char *error, size_t error_size)
{
    char second[300];
    if (!shared)
        return small_pages(map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1, error, error_size), size);
    *shared = (struct rf_shared){-1, -1};
    char *base = make_memfd(size, shared, error, error_size);
    if (!base && !(base = make_segment(size, shared, second, sizeof second))) {
        size_t len = strlen(error);
        snprintf(error + len, error_size - len, "; and instead of it %s", second);
    }
    return small_pages(base, size);
}

char *rf_memory_attach(uint64_t size, const struct rf_shared *shared, char *error, size_t error_size)
{
    char *base = shared->segment < 0 ? map(size, MAP_SHARED, shared->memfd, error, error_size)
                                     : attach_segment(shared->segment, error, error_size);
    return small_pages(base, size);
}
