#ifndef RF_DESTRUCTORS_H
#define RF_DESTRUCTORS_H

/*
 * Keeps the destructors of a library from running when the process ends. The library's threads may still run, and state
 * of its own thread must not be torn down on another: Py_Finalize would wait for ever. For home.c, any thread.
 */
void rf_destructors_skip(void *library);

#endif
