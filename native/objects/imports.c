#include "imports.h"

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../channel/lock.h"
#include "relro.h"

#if defined(__x86_64__)
#define IS_IMPORT(type) ((type) == R_X86_64_JUMP_SLOT || (type) == R_X86_64_GLOB_DAT || (type) == R_X86_64_64)
#elif defined(__aarch64__)
#define IS_IMPORT(type) ((type) == R_AARCH64_JUMP_SLOT || (type) == R_AARCH64_GLOB_DAT || (type) == R_AARCH64_ABS64)
#else
#define UNKNOWN_PROCESSOR 1
#define IS_IMPORT(type) ((void)(type), 0)
#endif

#define MOST 40

struct replacement {
    const char *name;
    uintptr_t function;
    enum rf_objects whose;
};

static struct replacement replacements[MOST];
static int count;
static rf_lock lock;
static const ElfW(Dyn) * *host; /* the host's objects, by their dynamic sections; never freed */
static size_t host_count;
static pid_t host_process;      /* 0 = they are not known yet */
static bool refused;            /* the system did not let some place be written */
static unsigned long long seen; /* how many objects had ever been added at the last look at the runtimes' */

void rf_imports_replace(enum rf_objects whose, const char *name, void (*function)(void))
{
    for (int k = 0; k < count; k++)
        if (replacements[k].function == (uintptr_t)function && strcmp(replacements[k].name, name) == 0)
            return;
    if (count < MOST)
        replacements[count++] = (struct replacement){name, (uintptr_t)function, whose};
}

/* An object's tables for the dynamic linker. */
struct tables {
    const ElfW(Dyn) * dynamic;
    const char *names;
    const ElfW(Sym) * symbols;
    const ElfW(Rela) * rela[2]; /* of data and of calls */
    size_t size[2];
};

/* glibc has added the base to these addresses, musl has not. */
static const void *at(const struct dl_phdr_info *object, ElfW(Addr) address)
{
    return (const void *)(address < object->dlpi_addr ? address + object->dlpi_addr : address);
}

static bool is_own(const struct dl_phdr_info *object)
{
    uintptr_t here = (uintptr_t)&rf_imports_replace - object->dlpi_addr;
    for (int k = 0; k < object->dlpi_phnum; k++) {
        const ElfW(Phdr) *p = &object->dlpi_phdr[k];
        if (p->p_type == PT_LOAD && here - p->p_vaddr < p->p_memsz)
            return true;
    }
    return false;
}

static const ElfW(Dyn) * dynamic_of(const struct dl_phdr_info *object)
{
    for (int k = 0; k < object->dlpi_phnum; k++)
        if (object->dlpi_phdr[k].p_type == PT_DYNAMIC)
            return (const ElfW(Dyn) *)(object->dlpi_addr + object->dlpi_phdr[k].p_vaddr);
    return NULL;
}

static bool read_tables(const struct dl_phdr_info *object, struct tables *t)
{
    *t = (struct tables){.dynamic = dynamic_of(object)};
    bool rela = false;
    for (const ElfW(Dyn) *d = t->dynamic; d && d->d_tag != DT_NULL; d++) {
        switch (d->d_tag) {
        case DT_STRTAB:
            t->names = at(object, d->d_un.d_ptr);
            break;
        case DT_SYMTAB:
            t->symbols = at(object, d->d_un.d_ptr);
            break;
        case DT_RELA:
            t->rela[0] = at(object, d->d_un.d_ptr);
            break;
        case DT_RELASZ:
            t->size[0] = d->d_un.d_val;
            break;
        case DT_JMPREL:
            t->rela[1] = at(object, d->d_un.d_ptr);
            break;
        case DT_PLTRELSZ:
            t->size[1] = d->d_un.d_val;
            break;
        case DT_PLTREL:
            rela = d->d_un.d_val == DT_RELA;
            break;
        default:
            break;
        }
    }
    if (!rela)
        t->size[1] = 0;
    return t->names && t->symbols;
}

static void write_slot(const struct dl_phdr_info *object, uintptr_t *slot, uintptr_t function)
{
    if (__atomic_load_n(slot, __ATOMIC_RELAXED) != function && !rf_relro_write(object, slot, function))
        refused = true;
}

static void replace_in(const struct dl_phdr_info *object, enum rf_objects whose)
{
    struct tables t;
    if (is_own(object) || !read_tables(object, &t))
        return;
    for (int table = 0; table < 2; table++) {
        const ElfW(Rela) *r = t.rela[table], *end = r + t.size[table] / sizeof *r;
        for (; r && r < end; r++) {
            size_t symbol = ELF64_R_SYM(r->r_info);
            if (!symbol || !IS_IMPORT(ELF64_R_TYPE(r->r_info)) || r->r_addend != 0)
                continue;
            if (t.symbols[symbol].st_shndx != SHN_UNDEF)
                continue; /* the object has a function of that name itself */
            const char *name = t.names + t.symbols[symbol].st_name;
            for (int k = 0; k < count; k++)
                if (replacements[k].whose == whose && strcmp(replacements[k].name, name) == 0)
                    write_slot(object, (uintptr_t *)(object->dlpi_addr + r->r_offset), replacements[k].function);
        }
    }
}

static bool is_libc(const struct dl_phdr_info *object)
{
    const char *slash = object->dlpi_name ? strrchr(object->dlpi_name, '/') : NULL;
    const char *name = slash ? slash + 1 : object->dlpi_name ? object->dlpi_name : "";
    static const char *const names[] = {"libc.", "libc-", "libpthread", "libdl", "ld-", "ld64", "linux-vdso"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (strncmp(name, names[k], strlen(names[k])) == 0)
            return true;
    return false;
}

static int of_host(struct dl_phdr_info *object, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    const ElfW(Dyn) *dynamic = dynamic_of(object);
    const ElfW(Dyn) **more = realloc(host, (host_count + 1) * sizeof *host);
    if (more) {
        host = more;
        host[host_count++] = dynamic;
    }
    if (!is_libc(object))
        replace_in(object, RF_HOST);
    return 0;
}

bool rf_imports_in_host(void)
{
#ifdef UNKNOWN_PROCESSOR
    refused = true;
#endif
    rf_lock_acquire(&lock);
    if (!host_process)
        dl_iterate_phdr(of_host, NULL);
    host_process = getpid();
    rf_lock_release(&lock);
    return !refused;
}

static bool is_host(const struct dl_phdr_info *object)
{
    const ElfW(Dyn) *dynamic = dynamic_of(object);
    for (size_t k = 0; k < host_count; k++)
        if (host[k] == dynamic)
            return true;
    return false;
}

static int of_runtimes(struct dl_phdr_info *object, size_t size, void *arg)
{
    bool *found = arg;
    (void)size;
    if (!*found && object->dlpi_adds == seen)
        return 1;
    seen = object->dlpi_adds;
    *found = true;
    if (!is_host(object) && !is_libc(object))
        replace_in(object, RF_RUNTIMES);
    return 0;
}

bool rf_imports_in_runtimes(void)
{
    bool found = false;
    if (host_process != getpid())
        return false; /* a fork: the thread that held the lock may not exist here */
    rf_lock_acquire(&lock);
    dl_iterate_phdr(of_runtimes, &found);
    rf_lock_release(&lock);
    return found;
}
