#include "destructors.h"

#include <dlfcn.h>
#include <link.h>

#include "../../objects/relro.h"

/* The dynamic linker reads the number of destructors when the process ends. */
static int skip(struct dl_phdr_info *object, size_t size, void *arg)
{
    const struct link_map *library = arg;
    (void)size;
    if (object->dlpi_addr != library->l_addr)
        return 0;
    for (ElfW(Dyn) *d = library->l_ld; d->d_tag != DT_NULL; d++)
        if (d->d_tag == DT_FINI_ARRAYSZ)
            rf_relro_write(object, (uintptr_t *)&d->d_un.d_val, 0);
    return 1;
}

void rf_destructors_skip(void *library)
{
    struct link_map *map;
    if (dlinfo(library, RTLD_DI_LINKMAP, &map) == 0)
        dl_iterate_phdr(skip, map);
}
