/*
 * A runtime in version 1 only, as for lua-resty-ffi, that does what its configuration and its requests say, right or
 * wrong. Configuration: the number of threads (1 if none), or "return N", "exit N", "hang" for its libffi_init.
 *
 *     echo TEXT      TEXT
 *     code N TEXT    fails with N
 *     sleep MS       holds its thread, then "slept"
 *     pid            of its process
 *     twice TEXT     answers two times
 *     negative       answers with a length of -1
 *     none           answers NULL
 *     empty          answers an empty string
 *     text N         answers N times "x" as a C string, without a length
 *     nul            answers "a\0b"
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resty_ffi.h"

static void answer(void *task, int rc, const char *text, int len)
{
    char *copy = malloc((size_t)len + 1);
    memcpy(copy, text, (size_t)len);
    copy[len] = 0; /* a length of 0 means a C string */
    ngx_http_lua_ffi_respond(task, rc, copy, len);
}

static const char *after(const char *request, int len, const char *word, int *left)
{
    size_t n = strlen(word);
    if ((size_t)len < n || memcmp(request, word, n) != 0)
        return NULL;
    *left = len - (int)n;
    return request + n;
}

static void serve_one(void *task)
{
    int len, left;
    const char *request = ngx_http_lua_ffi_get_req(task, &len), *rest;
    if (!request) {
        answer(task, 0, "nil request", 11);
    } else if ((rest = after(request, len, "echo ", &left))) {
        answer(task, 0, rest, left);
    } else if ((rest = after(request, len, "code ", &left))) {
        const char *text = memchr(rest, ' ', (size_t)left);
        answer(task, atoi(rest), text ? text + 1 : "", text ? (int)(rest + left - text - 1) : 0);
    } else if ((rest = after(request, len, "sleep ", &left))) {
        usleep((useconds_t)atoi(rest) * 1000);
        answer(task, 0, "slept", 5);
    } else if (after(request, len, "pid", &left)) {
        char text[32];
        answer(task, 0, text, snprintf(text, sizeof text, "%d", getpid()));
    } else if ((rest = after(request, len, "twice ", &left))) {
        answer(task, 0, rest, left);
        answer(task, 0, "the second answer", 17);
    } else if (after(request, len, "negative", &left)) {
        ngx_http_lua_ffi_respond(task, 0, malloc(8), -1);
    } else if (after(request, len, "none", &left)) {
        ngx_http_lua_ffi_respond(task, 0, NULL, 0);
    } else if (after(request, len, "empty", &left)) {
        answer(task, 0, "", 0);
    } else if ((rest = after(request, len, "text ", &left))) {
        size_t n = (size_t)atoi(rest);
        char *text = malloc(n + 1);
        memset(text, 'x', n);
        text[n] = 0;
        ngx_http_lua_ffi_respond(task, 0, text, 0);
    } else if (after(request, len, "nul", &left)) {
        answer(task, 0, "a\0b", 3);
    } else {
        answer(task, 99, "what?", 5);
    }
}

static void *serve(void *tq)
{
    void *task;
    while ((task = ngx_http_lua_ffi_task_poll(tq)))
        serve_one(task);
    return NULL;
}

int libffi_init(char *cfg, void *tq)
{
    if (cfg && strncmp(cfg, "return ", 7) == 0)
        return atoi(cfg + 7);
    if (cfg && strncmp(cfg, "exit ", 5) == 0)
        exit(atoi(cfg + 5));
    if (cfg && strcmp(cfg, "hang") == 0)
        for (;;)
            pause();
    int threads = cfg && atoi(cfg) > 0 ? atoi(cfg) : 1;
    for (int k = 0; k < threads; k++) {
        pthread_t t;
        if (pthread_create(&t, NULL, serve, tq) != 0)
            return 1;
        pthread_detach(t);
    }
    return 0;
}
