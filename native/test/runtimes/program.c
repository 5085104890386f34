/*
 * A runtime that is a program: attached.c, which lies beside this library. Configuration: "refuse TEXT" fails with that
 * text, "missing" names a program that does not exist, "garbled" writes no command line; anything else goes to the
 * program as its arguments.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "resty_ffi.h"

int libffi_argv(const char *cfg, char *out, int size)
{
    Dl_info info;
    const char *folder = dladdr((void *)libffi_argv, &info) ? info.dli_fname : "";
    const char *slash = strrchr(folder, '/');
    if (cfg && strncmp(cfg, "refuse ", 7) == 0) {
        snprintf(out, (size_t)size, "%s", cfg + 7);
        return -1;
    }
    if (cfg && strcmp(cfg, "garbled") == 0) {
        memset(out, 'x', (size_t)size);
        return size;
    }
    if (cfg && strcmp(cfg, "missing") == 0)
        return snprintf(out, (size_t)size, "/nonexistent/program") + 1;
    return snprintf(out, (size_t)size, "%.*s/ffi_c_attached%c%s", (int)(slash ? slash - folder : 0), folder, 0,
                    cfg ? cfg : "") +
           1;
}
