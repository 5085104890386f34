/* Its libffi_init returns 3. With a configuration, that is the reason it gives first. */
#include <string.h>

#include "resty_ffi.h"

int libffi_init(char *cfg, void *tq)
{
    if (cfg)
        resty_ffi_fail(tq, cfg, strlen(cfg));
    return 3;
}
