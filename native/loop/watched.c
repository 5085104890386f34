/* The files that the code of an instance comes from. */
#include "watched.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "instance.h"
#include "runtime.h"

#define MOST_FILES 10000u

struct rf_watched {
    struct rf_watched *next;
    struct timespec modified;
    off_t size;
    ino_t inode;
    bool changed; /* it has changed, and may still be written to */
    size_t len;   /* of path: a runtime may name thousands of files, and each is compared with all before it */
    char path[];
};

/* Whether the file has changed. A missing file is being replaced, so it has not. */
static bool look_at_file(struct rf_watched *w)
{
    struct stat now;
    /* Not stat: glibc has a function of that name since 2.33 only. */
    if (syscall(SYS_newfstatat, AT_FDCWD, w->path, &now, 0) != 0)
        return false;
    bool same = now.st_mtim.tv_sec == w->modified.tv_sec && now.st_mtim.tv_nsec == w->modified.tv_nsec &&
                now.st_size == w->size && now.st_ino == w->inode;
    w->modified = now.st_mtim;
    w->size = now.st_size;
    w->inode = now.st_ino;
    return !same;
}

void rf_watched_add(struct rf_instance *i, const char *path, size_t len)
{
    uint32_t count = 0;
    if (!i->rt || !i->rt->options.watch || len >= 4096 || memchr(path, 0, len))
        return;
    for (struct rf_watched *w = i->watched; w; w = w->next, count++)
        if (w->len == len && memcmp(w->path, path, len) == 0)
            return;
    struct rf_watched *w = count < MOST_FILES ? calloc(1, sizeof *w + len + 1) : NULL;
    if (!w)
        return;
    memcpy(w->path, path, len);
    w->len = len;
    look_at_file(w);
    w->next = i->watched;
    i->watched = w;
    i->loop->host.tick(i->loop->host.host);
}

void rf_watched_free(struct rf_instance *i)
{
    for (struct rf_watched *w = i->watched, *next; w; w = next) {
        next = w->next;
        free(w);
    }
    i->watched = NULL;
}

const char *rf_watched_settled(struct rf_instance *i)
{
    const char *path = NULL;
    bool busy = false;
    for (struct rf_watched *w = i->watched; w; w = w->next) {
        if (look_at_file(w))
            busy = w->changed = true;
        else if (w->changed)
            path = w->path;
    }
    return busy ? NULL : path;
}

void rf_watched_forget(struct rf_instance *i)
{
    for (struct rf_watched *w = i->watched; w; w = w->next)
        w->changed = false;
}
