#include "failed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct reason {
    int error;
    char name[12];
    const char *advice;
} reasons[] = {
    {EMFILE, "EMFILE",
     "; this process has as many descriptors open as it may (ulimit -n, nginx's worker_rlimit_nofile)"},
    {ENFILE, "ENFILE", "; the system has as many files open as it may (sysctl fs.file-max)"},
    {EAGAIN, "EAGAIN", "; as many threads and processes run as may (ulimit -u, or pids.max of the cgroup)"},
    {ENOMEM, "ENOMEM",
     "; memory or address space is used up (ulimit -v, memory.max of the cgroup, sysctl vm.overcommit_memory)"},
    {EPERM, "EPERM", ""},
    {EACCES, "EACCES", ""},
    {ENOSYS, "ENOSYS", ""},
    {ENOENT, "ENOENT", ""},
    {EINVAL, "EINVAL", ""},
    {ENOSPC, "ENOSPC", ""},
    {ENOEXEC, "ENOEXEC", ""},
    {ETXTBSY, "ETXTBSY", ""},
    {ENOTDIR, "ENOTDIR", ""},
    {EFBIG, "EFBIG", ""},
};

const char *rf_failed(char *out, size_t size, const char *call, int error)
{
    const struct reason *known = NULL;
    char number[24];
    for (size_t k = 0; k < sizeof reasons / sizeof *reasons && !known; k++)
        if (reasons[k].error == error)
            known = &reasons[k];
    snprintf(number, sizeof number, "errno %d", error);
    snprintf(out, size, "%s failed: %s (%s)%s", call, strerror(error), known ? known->name : number,
             known ? known->advice : "");
    return out;
}
