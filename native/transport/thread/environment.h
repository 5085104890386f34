#ifndef RF_ENVIRONMENT_H
#define RF_ENVIRONMENT_H

/*
 * Some languages read the environment where the system has put it at the start of the process (Go does), which is not
 * what the host has made of it since: nginx's workers have one of their own. Puts the host's there. To be called before
 * a library is loaded.
 */
void rf_environment_publish(void);

#endif
