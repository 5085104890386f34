/* How a process ended, in words. For the supervisor and resty-ffi-run. */
#ifndef RF_STATUS_H
#define RF_STATUS_H

#include <stddef.h>

/* "exit code 3" or "signal 9, Killed". status: of waitpid. */
void rf_status_text(int status, char *out, size_t size);

#endif
