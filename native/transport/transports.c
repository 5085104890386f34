#include "transports.h"

#include "process/supervisor.h"
#include "thread/thread.h"

const struct rf_transports rf_transports = {.thread = &rf_thread_transport, .process = &rf_supervisor_transport};
