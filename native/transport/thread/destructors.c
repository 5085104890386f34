#include "destructors.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

struct table {
    const struct link_map *of;
    uintptr_t start, end; /* what is read-only since the library was relocated; empty if nothing is */
};

static int find_read_only(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct table *t = arg;
    (void)size;
    if (info->dlpi_addr != t->of->l_addr)
        return 0;
    for (int k = 0; k < info->dlpi_phnum; k++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[k];
        if (p->p_type == PT_GNU_RELRO) {
            t->start = info->dlpi_addr + p->p_vaddr;
            t->end = t->start + p->p_memsz;
        }
    }
    return 1;
}

void rf_skip_destructors(void *library)
{
    struct link_map *map;
    if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0)
        return;
    ElfW(Dyn) *d = map->l_ld;
    while (d->d_tag != DT_NULL && d->d_tag != DT_FINI_ARRAYSZ)
        d++;
    if (d->d_tag == DT_NULL || d->d_un.d_val == 0)
        return;
    struct table t = {.of = map};
    dl_iterate_phdr(find_read_only, &t);
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)d, from = at & -page;
    size_t len = ((at + sizeof *d + page - 1) & -page) - from;
    bool read_only = at >= t.start && at < t.end;
    if (read_only && mprotect((void *)from, len, PROT_READ | PROT_WRITE) != 0)
        return;
    d->d_un.d_val = 0; /* the dynamic linker looks it up here at the end */
    if (read_only)
        mprotect((void *)from, len, PROT_READ);
}
