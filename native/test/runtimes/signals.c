/*
 * A runtime that takes signals. It does what the request says and answers how often its handler has run. The words are:
 * count; take (all of the list below); leave (back to the default); self (sends SIGUSR1 to its own thread); program
 * (starts one that ends with 7, waits, and answers its code).
 * It takes SIGHUP while it is opened, before anybody can see it.
 */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "resty_ffi.h"

static _Atomic int handled;

static void on_signal(int number)
{
    (void)number;
    handled++;
}

static const int list[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD};

static void set_all(void (*function)(int))
{
    struct sigaction a = {.sa_handler = function};
    for (size_t k = 0; k < sizeof list / sizeof *list; k++)
        if (sigaction(list[k], &a, NULL) != 0)
            abort();
}

__attribute__((constructor)) static void early(void)
{
    struct sigaction a = {.sa_handler = on_signal};
    sigaction(SIGHUP, &a, NULL);
}

static int program(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        execl("/bin/sh", "sh", "-c", "exit 7", (char *)NULL);
    usleep(50000); /* it has ended when it is waited for */
    return waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : -1;
}

static int answer(const char *word)
{
    if (strcmp(word, "take") == 0)
        set_all(on_signal);
    else if (strcmp(word, "leave") == 0)
        set_all(SIG_DFL);
    else if (strcmp(word, "self") == 0)
        pthread_kill(pthread_self(), SIGUSR1);
    else if (strcmp(word, "program") == 0)
        return program();
    return handled;
}

static void *serve(void *q)
{
    resty_ffi_frame f;
    while (resty_ffi_poll(q, &f, 1, -1) > 0) {
        char word[16] = "";
        if (f.kind == RESTY_FFI_CALL && f.len < sizeof word)
            memcpy(word, f.data, f.len);
        resty_ffi_free(q, f.data);
        if (f.kind != RESTY_FFI_CALL)
            continue;
        f = (resty_ffi_frame){.id = f.id, .kind = RESTY_FFI_DATA, .flags = RESTY_FFI_END};
        f.data = resty_ffi_alloc(q, 16);
        f.len = (uint64_t)snprintf(f.data, 16, "%d", answer(word));
        resty_ffi_send(q, &f, 1);
    }
    resty_ffi_close(q);
    return NULL;
}

int libffi_init(char *cfg, void *q)
{
    pthread_t t;
    (void)cfg;
    return pthread_create(&t, NULL, serve, q) || pthread_detach(t);
}
