/* Its libffi_init hangs for the milliseconds in the configuration, then returns 4; for ever without a configuration. */
#include <stdlib.h>
#include <unistd.h>

#include "resty_ffi.h"

int libffi_init(char *cfg, void *tq)
{
    (void)tq;
    if (cfg)
        usleep((unsigned)atoi(cfg) * 1000);
    else
        for (;;)
            pause();
    return 4;
}
