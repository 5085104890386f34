/* Where a library is: a path as it stands; a name in LD_LIBRARY_PATH, beside libresty_ffi.so, then as dlopen searches.
 */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loop.h"

static void find_own_folder(char *folder, size_t size)
{
    Dl_info info;
    char path[PATH_MAX];
    snprintf(folder, size, ".");
    if (!dladdr((void *)rf_own_folder, &info) || !realpath(info.dli_fname, path))
        return;
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = 0;
    snprintf(folder, size, "%s", path);
}

const char *rf_own_folder(void)
{
    static rf_lock lock; /* loaders and supervisors of several loops come here at the same time */
    static char folder[PATH_MAX];
    rf_lock_acquire(&lock);
    if (!*folder)
        find_own_folder(folder, sizeof folder);
    rf_lock_release(&lock);
    return folder;
}

static bool in_folder(const char *folder, size_t len, const char *lib, char *out, size_t size)
{
    static const char *const around[][2] = {{"lib", ".so"}, {"", ""}, {"", ".so"}};
    for (int k = 0; k < 3; k++) {
        snprintf(out, size, "%.*s/%s%s%s", (int)len, folder, around[k][0], lib, around[k][1]);
        if (access(out, R_OK) == 0)
            return true;
    }
    return false;
}

void rf_library_find(const char *lib, char *out, size_t size)
{
    snprintf(out, size, "%s", lib);
    if (strchr(lib, '/'))
        return;
    const char *path = getenv("LD_LIBRARY_PATH");
    while (path && *path) {
        size_t len = strcspn(path, ":;");
        if (len && in_folder(path, len, lib, out, size))
            return;
        path += len + (path[len] != 0);
    }
    if (in_folder(rf_own_folder(), strlen(rf_own_folder()), lib, out, size))
        return;
    bool complete = strncmp(lib, "lib", 3) == 0 && strstr(lib, ".so");
    snprintf(out, size, "%s%s%s", complete ? "" : "lib", lib, complete ? "" : ".so");
}

void rf_library_places(const char *lib, char *out, size_t size)
{
    const char *path = getenv("LD_LIBRARY_PATH");
    if (strchr(lib, '/'))
        snprintf(out, size, "the path %s", lib);
    else
        snprintf(out, size, "LD_LIBRARY_PATH (%s), %s, and the system's library folders", path ? path : "not set",
                 rf_own_folder());
}
