/* The processes behind a runtime. */
#ifndef RF_TEST_CHILDREN_H
#define RF_TEST_CHILDREN_H

#include <sys/types.h>

#include "../host.h"

/* The process that serves the next call of an ffi_c_methods runtime. */
pid_t child_of(struct host *h, resty_ffi_runtime *rt);
/* 0 when there is no such process. */
pid_t parent_of(pid_t pid);
/* Not there, or a zombie. */
bool ended(pid_t pid);
/* Children of this process, zombies too. */
int own_children(void);
/* The runtimes' processes: children of the runners that are this one's. At most max of them. */
int runtime_children(pid_t *out, int max);

#endif
