/* Keeps programs from inheriting nginx's descriptors. For nginx.c, before a library is loaded into the worker. */
#ifndef RF_NGINX_DESCRIPTORS_H
#define RF_NGINX_DESCRIPTORS_H

void rf_nginx_descriptors_own(void);

#endif
