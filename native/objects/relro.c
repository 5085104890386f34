#include "relro.h"

#include <sys/mman.h>
#include <unistd.h>

#include "../channel/lock.h"

static rf_lock lock; /* without it, one thread would protect the page that another still writes */

/* The linker protects whole pages: what stands before the end of the last one is open. */
static bool is_read_only(const struct dl_phdr_info *object, uintptr_t start, uintptr_t page)
{
    for (int k = 0; k < object->dlpi_phnum; k++) {
        const ElfW(Phdr) *p = &object->dlpi_phdr[k];
        uintptr_t from = object->dlpi_addr + p->p_vaddr, end = from + p->p_memsz;
        if (p->p_type == PT_GNU_RELRO && start >= (from & ~(page - 1)) && start < (end & ~(page - 1)))
            return true;
    }
    return false;
}

bool rf_relro_write(const struct dl_phdr_info *object, uintptr_t *place, uintptr_t value)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)place & ~(page - 1);
    bool read_only = is_read_only(object, start, page), done = true;
    rf_lock_acquire(&lock);
    if (read_only && mprotect((void *)start, page, PROT_READ | PROT_WRITE) != 0)
        done = false;
    if (done)
        __atomic_store_n(place, value, __ATOMIC_RELEASE); /* an import may be called at this moment */
    if (done && read_only)
        mprotect((void *)start, page, PROT_READ);
    rf_lock_release(&lock);
    return done;
}
