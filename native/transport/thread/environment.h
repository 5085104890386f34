#ifndef RF_ENVIRONMENT_H
#define RF_ENVIRONMENT_H

/*
 * Go reads the environment where the system put it at the start of the process. The host may have changed it since:
 * nginx's workers have their own. Writes the host's environment there. For thread.c, before a library is loaded.
 */
void rf_environment_publish(void);

#endif
