#include <string.h>

#include "loader.h"

extern int libffi_reload;
/* The same JVM can load the classes again. */
int libffi_reload = 1;

int libffi_init(char *cfg, void *tq)
{
    resty_ffi_queue *q = tq;
    struct trouble t;
    JavaVM *vm = jvm_get(resty_ffi_setting(q, "java_home"), &t);
    if (vm)
        t.text[0] = 0; /* the JVMs that were passed over */
    int rc = vm ? jvm_load(vm, cfg, q, &t) : 1;
    if (rc && t.text[0])
        resty_ffi_fail(q, t.text, strlen(t.text));
    return rc;
}
