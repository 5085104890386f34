/* Libraries in this process. For transports.c. */
#ifndef RF_THREAD_H
#define RF_THREAD_H

#include "../../loop/transport.h"

extern const struct rf_transport rf_thread_transport;

#endif
