/*
 * The thread on which a library is initialised. Libraries written for lua-resty-ffi keep thread-bound state (a JNIEnv,
 * an interpreter's thread state) from their first libffi_init for the next ones, so all calls of a library's
 * libffi_init run on one thread, one after the other. For thread.c.
 */
#ifndef RF_HOME_H
#define RF_HOME_H

#include "../../loop/instance.h"

/*
 * Called by the thread that has opened i->library. i->init, then i->initialised, run on the library's thread. The
 * caller becomes that thread if the library has no thread yet, or if its thread has been given up; the thread then
 * stays as long as the process, as the library does. Takes over the caller's references to i and to its queue. False =
 * no memory; nothing has changed.
 */
bool rf_home_run(struct rf_instance *i);

/*
 * i is closed: it no longer waits for its turn. If its libffi_init still runs, it hangs, and the next load gets another
 * thread.
 */
void rf_home_give_up(struct rf_instance *i);

#endif
