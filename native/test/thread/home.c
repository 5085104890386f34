/* All of a library's libffi_init run on one thread, which stays: ffi_c_home returns 9 on any other. */
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "../check.h"
#include "../host.h"

static struct host h;
static resty_ffi_options brief; /* host_thread, but a load is given up soon */

static _Atomic int *hanging, *ended; /* of ffi_c_home */

static void set_up(void)
{
    char path[4096];
    host_library("ffi_c_home", path, sizeof path);
    void *library = dlopen(path, RTLD_NOW);
    CHECK(library);
    hanging = dlsym(library, "hanging");
    ended = dlsym(library, "ended");
    brief = host_thread;
    brief.load_timeout_ms = 150;
    host_open(&h);
    host_load(&h, "ffi_c_echo1", NULL, &host_thread); /* so that threads that come with the first one are there */
}

static resty_ffi_runtime *begin(const char *cfg, const resty_ffi_options *o)
{
    char error[256];
    resty_ffi_runtime *rt = resty_ffi_runtime_load(h.loop, "ffi_c_home", cfg, strlen(cfg), o, error, sizeof error);
    CHECK(rt);
    return rt;
}

/* 1 = it is up. */
static int outcome(resty_ffi_runtime *rt, char *error, size_t size)
{
    *error = 0;
    return resty_ffi_runtime_wait(rt, -1, error, size);
}

static int threads(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

TEST(whenever_it_is_loaded)
{
    char cfg[16];
    set_up();
    for (int k = 0; k < 20; k++) {
        snprintf(cfg, sizeof cfg, "%d", k);
        resty_ffi_runtime *rt = host_load(&h, "ffi_c_home", cfg, &host_thread);
        host_expect(&h, rt, "x", "y", cfg);
        host_expect(&h, host_load(&h, "ffi_c_echo1", NULL, &host_thread), "x", "y", "y");
        if (k % 2)
            host_unload(&h, rt);
    }
    host_close(&h);
    set_up(); /* another host in the same process */
    host_expect(&h, host_load(&h, "ffi_c_home", "1", &host_thread), "x", "y", "1");
    host_close(&h);
}

TEST(many_at_once)
{
    enum { MANY = 30 };
    resty_ffi_runtime *rt[MANY];
    char cfg[16], error[256];
    set_up();
    int before = threads();
    for (int k = 0; k < MANY; k++) {
        snprintf(cfg, sizeof cfg, "%d", k);
        rt[k] = begin(cfg, &host_thread);
    }
    for (int k = 0; k < MANY; k++) {
        CHECK_INT(outcome(rt[k], error, sizeof error), 1);
        snprintf(cfg, sizeof cfg, "%d", k);
        host_expect(&h, rt[k], "x", "y", cfg);
    }
    CHECK_SOON(threads() == before + 1 + MANY, 20000); /* the library's, and each runtime's own */
    for (int k = 0; k < MANY; k++) {
        resty_ffi_runtime_unload(rt[k]);
        resty_ffi_runtime_release(rt[k]);
    }
    CHECK_SOON(threads() == before + 1, 20000);
    host_close(&h);
}

TEST(a_reload_too)
{
    char error[256];
    set_up();
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_home", "a", &host_thread);
    for (int k = 0; k < 5; k++) {
        CHECK_INT(resty_ffi_runtime_reload(rt), 0);
        CHECK_INT(resty_ffi_runtime_reload_wait(rt, -1, error, sizeof error), 1);
        host_expect(&h, rt, "x", "y", "a");
    }
    host_close(&h);
}

TEST(when_it_hangs_the_next_load_gets_another_one)
{
    set_up();
    CHECK(!host_try(&h, "ffi_c_home", "hang", &brief));
    CHECK_HAS(h.error, "150 ms (load_timeout)");
    /* This library notices that it is another thread; what matters is that libffi_init is called at all. */
    CHECK(!host_try(&h, "ffi_c_home", "a", &host_thread));
    CHECK_HAS(h.error, "libffi_init returned 9");
    CHECK(!host_try(&h, "ffi_c_home", "b", &host_thread));
    CHECK_HAS(h.error, "libffi_init returned 9");
    host_close_within(&h, 100);
}

TEST(when_it_was_only_slow_it_keeps_its_own)
{
    set_up();
    int before = threads();
    CHECK(!host_try(&h, "ffi_c_home", "hang 400", &brief));
    CHECK_SOON((host_run(&h, 10), *ended == 1), 20000); /* after all; nobody is interested */
    host_expect(&h, host_load(&h, "ffi_c_home", "a", &host_thread), "x", "y", "a");
    CHECK_SOON(threads() == before + 2, 20000);
    host_close(&h);
}

TEST(one_that_was_given_up_ends_when_it_can)
{
    set_up();
    int before = threads();
    CHECK(!host_try(&h, "ffi_c_home", "hang 600", &brief));
    CHECK(!host_try(&h, "ffi_c_home", "a", &host_thread)); /* on another thread */
    CHECK_SOON((host_run(&h, 10), threads() == before + 1), 20000);
    host_close(&h);
}

TEST(those_that_wait_behind_one_that_hangs_are_served_when_it_is_given_up)
{
    char error[256];
    set_up();
    resty_ffi_runtime *hangs = begin("hang", &brief);
    CHECK_SOON(*hanging == 1, 20000);
    resty_ffi_runtime *a = begin("a", &host_thread), *b = begin("b", &host_thread);
    CHECK_INT(outcome(hangs, error, sizeof error), -2);
    CHECK_HAS(error, "load_timeout");
    CHECK_INT(outcome(a, error, sizeof error), -1);
    CHECK_HAS(error, "libffi_init returned 9");
    CHECK_INT(outcome(b, error, sizeof error), -1);
    CHECK_HAS(error, "libffi_init returned 9");
    resty_ffi_runtime_release(hangs);
    resty_ffi_runtime_release(a);
    resty_ffi_runtime_release(b);
    host_close_within(&h, 100);
}

TEST(one_that_waits_can_be_given_up_itself)
{
    char error[256];
    set_up();
    resty_ffi_runtime *slow = begin("hang 700", &host_thread);
    CHECK_SOON(*hanging == 1, 20000);
    int threads_before = threads(), descriptors = check_descriptors();
    resty_ffi_runtime *waits = begin("a", &brief);
    CHECK_INT(outcome(waits, error, sizeof error), -2);
    CHECK_HAS(error, "150 ms (load_timeout)");
    resty_ffi_runtime_release(waits);
    /* At once, and not when its turn would have come. */
    CHECK_SOON((host_run(&h, 0), check_descriptors() == descriptors && threads() <= threads_before), 20000);
    CHECK_INT(outcome(slow, error, sizeof error), 1);
    host_expect(&h, slow, "x", "y", "hang 700");
    host_expect(&h, host_load(&h, "ffi_c_home", "b", &host_thread), "x", "y", "b");
    resty_ffi_runtime_release(slow);
    host_close(&h);
}
