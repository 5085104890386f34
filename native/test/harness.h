#ifndef RF_HARNESS_H
#define RF_HARNESS_H

#include "../host/pull/pull.h"

/* Prints the log lines that have come to standard error. */
void harness_logs(resty_ffi_pull *p);
/* Keeps in_flight calls of bytes each under way for that many seconds; prints one line of figures. 0 = ok. */
int harness_bench(resty_ffi_pull *p, resty_ffi_runtime *rt, int in_flight, int bytes, double seconds);

#endif
