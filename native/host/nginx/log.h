/* Lines for error.log. From any thread of a worker when it is about to end, else its main thread. */
#ifndef RF_NGINX_LOG_H
#define RF_NGINX_LOG_H

#include <stddef.h>

void rf_nginx_log(void *subsystem, int level, const char *runtime, const char *text, size_t len);

#endif
