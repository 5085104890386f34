/* All transports, for hosts. */
#ifndef RF_TRANSPORTS_H
#define RF_TRANSPORTS_H

#include "../loop/transport.h"

extern const struct rf_transports rf_transports;

#endif
