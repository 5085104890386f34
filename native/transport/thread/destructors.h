#ifndef RF_DESTRUCTORS_H
#define RF_DESTRUCTORS_H

/*
 * Keeps the destructors of a library from running when the process ends. Threads of its may still be there, and what it
 * set up on its own thread may not be taken down on another: Py_Finalize waits for ever. Any thread.
 */
void rf_destructors_skip(void *library);

#endif
