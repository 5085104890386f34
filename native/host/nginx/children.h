/* Keeps nginx from reaping the children of libraries. For nginx.c, before a library is loaded into the worker. */
#ifndef RF_NGINX_CHILDREN_H
#define RF_NGINX_CHILDREN_H

void rf_nginx_children_own(void);

#endif
