/*
 * Finds a library. A path is used unchanged; a name is looked up in LD_LIBRARY_PATH, beside libresty_ffi.so, then by
 * dlopen.
 */
#include "search.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../channel/lock.h"

static void find_own_folder(char *folder, size_t size)
{
    Dl_info info;
    char path[PATH_MAX];
    snprintf(folder, size, ".");
    if (!dladdr((void *)rf_search_own_folder, &info) || !realpath(info.dli_fname, path))
        return;
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = 0;
    snprintf(folder, size, "%s", path);
}

const char *rf_search_own_folder(void)
{
    static rf_lock lock; /* loaders and supervisors of several loops may call at the same time */
    static char folder[PATH_MAX];
    rf_lock_acquire(&lock);
    if (!*folder)
        find_own_folder(folder, sizeof folder);
    rf_lock_release(&lock);
    return folder;
}

/* The result of a search. */
struct search {
    char *out;
    size_t size;
    int error; /* why the first match cannot be read; 0 = no match */
    char refused[PATH_MAX];
};

static bool readable(struct search *s)
{
    char inside[PATH_MAX];
    snprintf(inside, sizeof inside, "%.4000s/.", s->out);
    if (access(s->out, R_OK) == 0)
        return access(inside, F_OK) != 0; /* not a folder of that name */
    if (!s->error && errno != ENOENT && errno != ENOTDIR) {
        s->error = errno;
        snprintf(s->refused, sizeof s->refused, "%s", s->out);
    }
    return false;
}

static bool in_folder(const char *folder, size_t len, const char *lib, struct search *s)
{
    static const char *const around[][2] = {{"lib", ".so"}, {"", ""}, {"", ".so"}};
    for (int k = 0; k < 3; k++) {
        snprintf(s->out, s->size, "%.*s/%s%s%s", (int)len, folder, around[k][0], lib, around[k][1]);
        if (readable(s))
            return true;
    }
    return false;
}

static bool search(const char *lib, struct search *s)
{
    const char *path = getenv("LD_LIBRARY_PATH");
    while (path && *path) {
        size_t len = strcspn(path, ":;");
        if (len && in_folder(path, len, lib, s))
            return true;
        path += len + (path[len] != 0);
    }
    return in_folder(rf_search_own_folder(), strlen(rf_search_own_folder()), lib, s);
}

void rf_search_find(const char *lib, char *out, size_t size)
{
    struct search s = {out, size, 0, ""};
    if (!strchr(lib, '/') && search(lib, &s))
        return;
    bool complete = strchr(lib, '/') || (strncmp(lib, "lib", 3) == 0 && strstr(lib, ".so"));
    snprintf(out, size, "%s%s%s", complete ? "" : "lib", lib, complete ? "" : ".so");
}

static void add(char *out, size_t size, const char *text)
{
    size_t len = strlen(out);
    if (len < size)
        snprintf(out + len, size - len, "%s", text);
}

static void show_machine(const unsigned char *ident, char *out, size_t size)
{
    static const struct {
        int number;
        const char *name;
    } machines[] = {{EM_X86_64, "x86-64"}, {EM_386, "i386"},   {EM_AARCH64, "AArch64"}, {EM_ARM, "ARM"},
                    {EM_PPC64, "PPC64"},   {EM_S390, "S/390"}, {243, "RISC-V"},         {258, "LoongArch"}};
    int number = ident[EI_DATA] == ELFDATA2MSB ? ident[18] << 8 | ident[19] : ident[19] << 8 | ident[18];
    const char *name = "another machine";
    for (size_t k = 0; k < sizeof machines / sizeof *machines; k++)
        if (machines[k].number == number)
            name = machines[k].name;
    snprintf(out, size, "%s (ELF machine %d), %d bit", name, number, ident[EI_CLASS] == ELFCLASS32 ? 32 : 64);
}

/* The beginning of a library: class, byte order and machine. */
#define IDENT 20

/* dlopen may report a library for another machine as missing. */
static void add_machine(const char *path, char *out, size_t size)
{
    Dl_info own;
    unsigned char ident[IDENT];
    char theirs[80], ours[80], text[240];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, ident, sizeof ident);
    if (fd >= 0)
        close(fd);
    if (n != IDENT || memcmp(ident, ELFMAG, SELFMAG) != 0 || !dladdr((void *)rf_search_own_folder, &own) ||
        memcmp(own.dli_fbase, ELFMAG, SELFMAG) != 0)
        return;
    show_machine(ident, theirs, sizeof theirs);
    show_machine(own.dli_fbase, ours, sizeof ours);
    snprintf(text, sizeof text, "; it is an ELF file for %s, this process is of %s", theirs, ours);
    if (strcmp(theirs, ours) != 0)
        add(out, size, text);
}

static void add_places(const char *name, char *out, size_t size)
{
    char text[1200], path[PATH_MAX];
    struct search s = {path, sizeof path, 0, ""};
    const char *list = getenv("LD_LIBRARY_PATH");
    snprintf(text, sizeof text, "; searched LD_LIBRARY_PATH (%.200s), %.200s, and the system's library folders",
             list ? list : "not set", rf_search_own_folder());
    add(out, size, text);
    search(name, &s);
    snprintf(text, sizeof text, "; %.400s cannot be read: %s", s.refused, strerror(s.error));
    if (s.error)
        add(out, size, text);
}

void rf_search_explain(const char *path, const char *reason, char *out, size_t size)
{
    struct statvfs fs;
    /* The reason usually names the library itself, but not when a dependency is missing. */
    bool named = strncmp(reason, path, strlen(path)) == 0;
    snprintf(out, size, "%.300s%s%.500s", named ? "" : path, named ? "" : " cannot be loaded: ", reason);
    if (!strchr(path, '/')) {
        add_places(path, out, size);
        return;
    }
    add_machine(path, out, size);
    if (statvfs(path, &fs) == 0 && fs.f_flag & ST_NOEXEC)
        add(out, size, "; its file system is mounted noexec");
}
