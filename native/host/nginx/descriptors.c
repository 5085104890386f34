/*
 * Programs started in a worker inherit nginx's sockets. A library's programs may live long: a port would stay in use
 * after nginx has ended, and a client would wait for the end of a connection that nginx has closed.
 */
#include "descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "../../objects/imports.h"

static int host_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
    return accept4(fd, address, len, flags | SOCK_CLOEXEC);
}

static int host_accept(int fd, struct sockaddr *address, socklen_t *len)
{
    return accept4(fd, address, len, SOCK_CLOEXEC);
}

static int host_socket(int domain, int type, int protocol)
{
    return socket(domain, type | SOCK_CLOEXEC, protocol);
}

void rf_nginx_descriptors_own(void)
{
    DIR *d = opendir("/proc/self/fd");
    struct dirent *e;
    while (d && (e = readdir(d))) {
        int fd = atoi(e->d_name);
        if (fd > 2)
            fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    if (d)
        closedir(d);
    rf_imports_replace(RF_HOST, "accept4", (void (*)(void))host_accept4);
    rf_imports_replace(RF_HOST, "accept", (void (*)(void))host_accept);
    rf_imports_replace(RF_HOST, "socket", (void (*)(void))host_socket);
}
