/*
 * The thread on which a library is initialised. Libraries written for lua-resty-ffi keep what belongs to a thread (a
 * JNIEnv, an interpreter's thread state) from their first libffi_init for the next ones: so all of a library's run on
 * one thread, one after the other.
 */
#ifndef RF_HOME_H
#define RF_HOME_H

#include "../../loop/instance.h"

/*
 * Called by the thread that has opened i->library. i->init runs on the library's thread, and i->initialised then: this
 * one, if there is none or if it has been given up. It stays as long as the process, because the library does. The
 * caller's references to i, of its own and to its queue, are given away. False = no memory, and nothing has happened.
 */
bool rf_home_run(struct rf_instance *i);

/* i is closed: it waits for its turn no longer; if its libffi_init runs, and so hangs, the next load takes its place.
 */
void rf_home_give_up(struct rf_instance *i);

#endif
