/*
 * A runtime as it was written for lua-resty-ffi: version 1, no SDK. It knows no method names, so the first word of the
 * request says what to do:
 *
 *   echo BYTES    the bytes            xor BYTES   each byte ^ 0x5a
 *   fill N        N bytes, i mod 251   none        nil
 *   empty         zero bytes           fail N TEXT code N with that text
 *   block MS      sleeps               config      what it was loaded with, nil for none
 *
 * A nil request is answered with nil, an unknown word with code 1. Configuration: the number of threads, 1 if none.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "resty_ffi.h"

struct runtime {
    void *tq;
    char *cfg; /* owned; NULL = none */
};

static char *copy(const char *data, size_t len)
{
    char *out = malloc(len + 1);
    if (out) {
        memcpy(out, data, len);
        out[len] = 0; /* a length of 0 means a C string */
    }
    return out;
}

static void answer(void *task, int rc, const char *text)
{
    ngx_http_lua_ffi_respond(task, rc, copy(text, strlen(text)), (int)strlen(text));
}

static void fail(void *task, const char *rest)
{
    char *text;
    long code = strtol(rest, &text, 10);
    answer(task, (int)code, *text ? text + 1 : text);
}

static void xor
    (void *task, const char *rest, int len) {
        char *out = copy(rest, (size_t)len);
        for (int k = 0; k < len; k++)
            out[k] ^= 0x5a;
        ngx_http_lua_ffi_respond(task, 0, out, len);
    }

    static void fill(void *task, const char *rest)
{
    int len = atoi(rest);
    unsigned char *out = malloc((size_t)len + 1);
    for (int k = 0; k < len; k++)
        out[k] = (unsigned char)(k % 251);
    ngx_http_lua_ffi_respond(task, 0, (char *)out, len);
}

static void block(void *task, const char *rest)
{
    int ms = atoi(rest);
    nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
    answer(task, 0, "blocked");
}

static void serve(const struct runtime *rt, void *task)
{
    int len;
    const char *request = ngx_http_lua_ffi_get_req(task, &len);
    if (!request) {
        ngx_http_lua_ffi_respond(task, 0, NULL, 0);
        return;
    }
    int word = 0;
    while (word < len && request[word] != ' ')
        word++;
    const char *rest = request + word + (word < len);
    int left = len - (int)(rest - request);
#define IS(name) (word == sizeof(name) - 1 && memcmp(request, name, sizeof(name) - 1) == 0)
    if (IS("echo"))
        ngx_http_lua_ffi_respond(task, 0, copy(rest, (size_t)left), left);
    else if (IS("xor"))
        xor(task, rest, left);
    else if (IS("fill"))
        fill(task, rest); /* requests end with a NUL that is not counted */
    else if (IS("none"))
        ngx_http_lua_ffi_respond(task, 0, NULL, 0);
    else if (IS("empty"))
        answer(task, 0, "");
    else if (IS("fail"))
        fail(task, rest);
    else if (IS("block"))
        block(task, rest);
    else if (IS("config") && !rt->cfg)
        ngx_http_lua_ffi_respond(task, 0, NULL, 0);
    else if (IS("config"))
        answer(task, 0, rt->cfg);
    else
        answer(task, 1, "unknown word");
}

static void *run(void *arg)
{
    struct runtime *rt = arg;
    void *task;
    while ((task = ngx_http_lua_ffi_task_poll(rt->tq)))
        serve(rt, task);
    free(rt->cfg);
    free(rt);
    return NULL;
}

int libffi_init(char *cfg, void *tq)
{
    int threads = cfg ? atoi(cfg) : 1;
    for (int k = 0; k < (threads > 0 ? threads : 1); k++) {
        struct runtime *rt = malloc(sizeof *rt);
        pthread_t t;
        *rt = (struct runtime){tq, cfg ? strdup(cfg) : NULL};
        if (pthread_create(&t, NULL, run, rt) != 0)
            return 1;
        pthread_detach(t);
    }
    return 0;
}
