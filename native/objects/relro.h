/* Words of loaded objects that the dynamic linker has made read-only once it had written them. For imports.c and
 * transport/thread. */
#ifndef RF_RELRO_H
#define RF_RELRO_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Writes a word of this object and restores the protection of its page. False: the system does not allow it, and
 * nothing has changed. Any thread.
 */
bool rf_relro_write(const struct dl_phdr_info *object, uintptr_t *place, uintptr_t value);

#endif
