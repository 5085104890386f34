/* Lines for error.log. For files of this folder; main thread of a worker; any thread when the worker is about to end.
 */
#ifndef RF_NGINX_LOG_H
#define RF_NGINX_LOG_H

#include <stddef.h>

void rf_nginx_log(void *subsystem, int level, const char *runtime, const char *text, size_t len);

#endif
