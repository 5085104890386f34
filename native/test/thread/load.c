/* Loading: keys, configurations, and what is said when it fails. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "../host.h"

static struct host h;

TEST(the_same_key_is_the_same_runtime)
{
    host_open(&h);
    resty_ffi_runtime *a = host_load(&h, "ffi_c_methods", NULL, &host_thread);
    CHECK(host_load(&h, "ffi_c_methods", NULL, &host_thread) == a);
    resty_ffi_runtime *b = host_load(&h, "ffi_c_methods", "", &host_thread);
    CHECK(b != a);
    resty_ffi_runtime *c = host_load(&h, "ffi_c_methods", "threads=2", &host_thread);
    CHECK(c != a && c != b);
    CHECK(host_load(&h, "ffi_c_methods", "threads=2", &host_thread) == c);
    host_close(&h);
}

static resty_ffi_options with_timeout(uint32_t ms)
{
    resty_ffi_options o = host_thread;
    o.timeout_ms = ms;
    return o;
}

TEST(the_same_key_with_another_option_is_refused)
{
    static const char refused[] =
        "cannot load \"ffi_c_methods\": it is loaded already with timeout = 2 s, not 3 s (library and configuration "
        "are "
        "the same): leave that option out, unload the runtime first, or give it another configuration";
    resty_ffi_options two = with_timeout(2000), three = with_timeout(3000), none = {.size = sizeof none};
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &two);
    CHECK_INT(resty_ffi_runtime_timeout(rt), 2000);
    CHECK(!host_try(&h, "ffi_c_methods", NULL, &three));
    CHECK_TEXT(h.error, refused);
    CHECK(host_load(&h, "ffi_c_methods", NULL, &none) == rt);
    CHECK(host_load(&h, "ffi_c_methods", NULL, &two) == rt);
    /* Nor do a reload, or another configuration, change what it has. */
    CHECK(resty_ffi_runtime_reload(rt) == 0);
    CHECK_INT(resty_ffi_runtime_reload_wait(rt, 20000, h.error, sizeof h.error), 1);
    CHECK(!host_try(&h, "ffi_c_methods", NULL, &three));
    CHECK_TEXT(h.error, refused);
    CHECK(host_load(&h, "ffi_c_methods", "", &three) != rt);
    /* Once it is unloaded, nothing is left of its options. */
    resty_ffi_runtime_unload(rt);
    CHECK_INT(resty_ffi_runtime_timeout(host_load(&h, "ffi_c_methods", NULL, &three)), 3000);
    host_close(&h);
}

TEST(one_that_waits_for_a_start_is_held_to_the_same_options)
{
    char error[512];
    resty_ffi_options two = with_timeout(2000), three = with_timeout(3000);
    host_open(&h);
    resty_ffi_runtime *a = resty_ffi_runtime_load(h.loop, "ffi_c_methods", "pause=100", 9, &two, error, sizeof error);
    CHECK(a);
    CHECK(resty_ffi_runtime_load(h.loop, "ffi_c_methods", "pause=100", 9, &two, error, sizeof error) == a);
    CHECK(!resty_ffi_runtime_load(h.loop, "ffi_c_methods", "pause=100", 9, &three, error, sizeof error));
    CHECK_HAS(error, "it is loaded already with timeout = 2 s, not 3 s");
    CHECK_INT(resty_ffi_runtime_wait(a, -1, error, sizeof error), 1);
    resty_ffi_runtime_release(a);
    resty_ffi_runtime_release(a);
    host_close(&h);
}

TEST(each_configuration_reaches_its_runtime)
{
    char error[256];
    host_open(&h);
    host_expect(&h, host_load(&h, "ffi_c_methods", "one", &host_thread), "config", NULL, "one");
    host_expect(&h, host_load(&h, "ffi_c_methods", "two", &host_thread), "config", NULL, "two");
    host_expect(&h, host_load(&h, "ffi_c_methods", "", &host_thread), "config", NULL, "");
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_INT(host_call(&h, host_load(&h, "ffi_c_methods", NULL, &host_thread), call, "config", NULL), 0);
    CHECK(call->nil);
    resty_ffi_runtime *rt = resty_ffi_runtime_load(h.loop, "ffi_c_methods", "a\0b", 3, &host_thread, error, 256);
    CHECK(rt && resty_ffi_runtime_wait(rt, -1, error, sizeof error) == 1);
    CHECK_INT(host_call(&h, rt, call, "config", NULL), 0);
    CHECK_INT(call->len, 3);
    CHECK(memcmp(call->data, "a\0b", 3) == 0);
    resty_ffi_call_free(call);
    resty_ffi_runtime_release(rt);
    host_close(&h);
}

TEST(a_runtime_has_a_name_for_messages)
{
    host_open(&h);
    CHECK_TEXT(resty_ffi_runtime_name(host_load(&h, "ffi_c_methods", NULL, &host_thread)), "ffi_c_methods");
    CHECK_TEXT(resty_ffi_runtime_name(host_load(&h, "ffi_c_methods", "demo.App,init,x", &host_thread)),
               "ffi_c_methods(demo.App)");
    CHECK_TEXT(resty_ffi_runtime_name(host_load(&h, "ffi_c_methods", "{\"a\":1}", &host_thread)), "ffi_c_methods");
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &host_thread);
    CHECK(!resty_ffi_runtime_user(rt));
    resty_ffi_runtime_set_user(rt, &h);
    CHECK(resty_ffi_runtime_user(rt) == &h);
    host_close(&h);
}

TEST(names_and_paths_are_found)
{
    static const char *const forms[] = {"ffi_c_echo2", "libffi_c_echo2.so", "libffi_c_echo2"};
    char path[4096], own[4000] = "";
    ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
    CHECK(n > 0);
    *strrchr(own, '/') = 0;
    host_open(&h);
    for (int k = 0; k < 3; k++)
        host_expect(&h, host_load(&h, forms[k], NULL, &host_thread), "echo", "found", "found");
    snprintf(path, sizeof path, "%s/../../lib/libffi_c_echo2.so", own);
    host_expect(&h, host_load(&h, path, NULL, &host_thread), "echo", "found", "found");
    host_close(&h);
}

TEST(a_missing_library_is_explained)
{
    host_open(&h);
    CHECK(!host_try(&h, "ffi_nowhere", NULL, &host_thread));
    CHECK_HAS(h.error, "cannot load \"ffi_nowhere\"");
    CHECK_HAS(h.error, "libffi_nowhere.so");
    CHECK_HAS(h.error, "searched");
    CHECK_HAS(h.error, "LD_LIBRARY_PATH");
    CHECK(!host_try(&h, "/nonexistent/lib.so", NULL, &host_thread));
    CHECK_HAS(h.error, "/nonexistent/lib.so");
    CHECK(!host_try(&h, "", NULL, &host_thread));
    CHECK_HAS(h.error, "library name");
    CHECK(!host_try(&h, "/proc/self/exe", NULL, &host_thread)); /* an executable */
    CHECK(!host_try(&h, "/etc/passwd", NULL, &host_thread));
    CHECK_HAS(h.error, "/etc/passwd");
    host_close(&h);
}

static void write_file(const char *path, const void *content, size_t len, int mode)
{
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(content, 1, len, f) == len);
    CHECK(fclose(f) == 0 && chmod(path, (mode_t)mode) == 0);
}

static void refused(const char *lib, const char *part)
{
    static const resty_ffi_options *const both[] = {&host_thread, &host_process};
    for (int k = 0; k < 2; k++) {
        CHECK(!host_try(&h, lib, NULL, both[k]));
        CHECK_HAS(h.error, lib);
        CHECK_HAS(h.error, part);
    }
}

/* Opened as another user: root may read everything. */
TEST(what_may_not_be_read_is_named)
{
    char folder[] = "/tmp/resty-ffi-test-XXXXXX", file[64], inner[64], text[200];
    CHECK(mkdtemp(folder));
    CHECK(chmod(folder, 0755) == 0);
    snprintf(file, sizeof file, "%s/libsecret.so", folder);
    snprintf(inner, sizeof inner, "%s/kafka", folder);
    write_file(file, "x", 1, 0);
    CHECK(mkdir(inner, 0755) == 0);
    setenv("LD_LIBRARY_PATH", folder, 1);
    pid_t pid = fork();
    if (pid == 0) {
        /* The real library need not be readable either: it is loaded already. */
        if (getuid() == 0)
            CHECK(setgid(65534) == 0 && setuid(65534) == 0);
        host_open(&h);
        CHECK(!host_try(&h, "secret", NULL, &host_thread));
        snprintf(text, sizeof text, "; %s cannot be read: Permission denied", file);
        CHECK_HAS(h.error, text);
        CHECK(!host_try(&h, "other", NULL, &host_thread));
        CHECK(!strstr(h.error, "cannot be read"));
        /* A folder of that name is not a library. */
        CHECK(!host_try(&h, "kafka", NULL, &host_thread));
        CHECK_HAS(h.error, "libkafka.so: cannot open shared object file");
        host_close(&h);
        _exit(0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK_INT(status, 0);
    unlink(file);
    rmdir(inner);
    rmdir(folder);
}

TEST(a_library_for_another_machine_is_explained)
{
    char folder[] = "/tmp/resty-ffi-test-XXXXXX", file[64], from[4200], *content = malloc(8 << 20);
    CHECK(mkdtemp(folder) && content);
    snprintf(file, sizeof file, "%s/libother.so", folder);
    host_library("ffi_c_echo2", from, sizeof from);
    FILE *f = fopen(from, "rb");
    CHECK(f);
    size_t len = fread(content, 1, 8 << 20, f);
    fclose(f);
    content[18] = (char)183;
    content[19] = 0;
    host_open(&h);
#ifdef __x86_64__
    write_file(file, content, len, 0755);
    refused(file,
            "; it is an ELF file for AArch64 (ELF machine 183), 64 bit, this process is of x86-64 (ELF machine 62), "
            "64 bit");
#endif
    content[18] = 3;
    content[4] = 1;
    write_file(file, content, len, 0755);
    refused(file, "it is an ELF file for i386 (ELF machine 3), 32 bit, this process is of ");
    write_file(file, "\177ELF", 4, 0755);
    refused(file, "file too short");
    host_close(&h);
    free(content);
    unlink(file);
    rmdir(folder);
}

/* dlopen names what is missing, and not who needs it. */
TEST(a_library_that_needs_another_one_is_named)
{
    char folder[] = "/tmp/resty-ffi-test-XXXXXX", file[64], command[400];
    CHECK(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/libneeds.so", folder);
    snprintf(command, sizeof command,
             "cd %s && echo 'int gone(void) {return 0;}' | cc -shared -fPIC -x c - -o libgone.so && "
             "echo 'int gone(void); int libffi_init(char *c, void *q) {(void)c; (void)q; return gone();}' | "
             "cc -shared -fPIC -x c - -o libneeds.so -L. -lgone && rm libgone.so",
             folder);
    CHECK(system(command) == 0);
    host_open(&h);
    refused(file,
            "libneeds.so cannot be loaded: libgone.so: cannot open shared object file: No such file or directory");
    host_close(&h);
    unlink(file);
    rmdir(folder);
}

TEST(a_library_that_is_not_a_runtime_is_explained)
{
    host_open(&h);
    CHECK(!host_try(&h, "ffi_c_notaruntime", NULL, &host_thread));
    CHECK_HAS(h.error, "it is not a runtime");
    CHECK_HAS(h.error, "libffi_init");
    host_close(&h);
}

TEST(a_failing_init_is_explained)
{
    host_open(&h);
    CHECK(!host_try(&h, "ffi_c_init3", NULL, &host_thread));
    CHECK_HAS(h.error, "libffi_init returned 3");
    CHECK(!host_try(&h, "ffi_c_init3", "the licence has expired", &host_thread));
    CHECK_HAS(h.error, "the licence has expired");
    CHECK_HAS(h.error, "libffi_init returned 3");
    /* It can be tried again, and others work. */
    CHECK(!host_try(&h, "ffi_c_init3", NULL, &host_thread));
    CHECK_HAS(h.error, "libffi_init returned 3");
    host_expect(&h, host_load(&h, "ffi_c_echo2", NULL, &host_thread), "echo", "x", "x");
    host_close(&h);
}

TEST(the_threads_of_a_failed_init_keep_their_memory_until_they_close)
{
    host_open(&h);
    CHECK(!host_try(&h, "ffi_c_initlate", NULL, &host_thread));
    CHECK_HAS(h.error, "libffi_init returned 3");
    int held = check_descriptors();
    CHECK_SOON((host_run(&h, 1), check_descriptors() < held), 20000); /* closed: only now */
    host_close(&h);
}

TEST(an_init_that_hangs_is_given_up)
{
    resty_ffi_options o = host_thread;
    o.load_timeout_ms = 200;
    host_open(&h);
    uint64_t start = check_now();
    CHECK(!host_try(&h, "ffi_c_inithang", "600", &o));
    CHECK(check_now() - start >= 200);
    CHECK_HAS(h.error, "200 ms (load_timeout)");
    CHECK(!host_try(&h, "ffi_c_inithang", NULL, &o)); /* this one hangs for ever */
    CHECK_HAS(h.error, "load_timeout");
    /* However often, and by how many, it is waited for. */
    resty_ffi_runtime *rt = resty_ffi_runtime_load(h.loop, "ffi_c_inithang", "60000", 5, &o, h.error, sizeof h.error);
    CHECK(rt);
    int rc;
    CHECK_SOON((rc = resty_ffi_runtime_wait(rt, 0, h.error, sizeof h.error)) != 0, 20000);
    CHECK_INT(rc, -2);
    resty_ffi_runtime_release(rt);
    host_expect(&h, host_load(&h, "ffi_c_echo2", NULL, &host_thread), "echo", "x", "x");
    host_rest(&h, 600); /* it fails after all, and nobody is interested */
    host_expect(&h, host_load(&h, "ffi_c_echo2", NULL, &host_thread), "echo", "x", "x");
    start = check_now();
    host_close_within(&h, 100); /* nor does it hold up the end */
    CHECK(check_now() - start < CHECK_QUICK_MS);
}

TEST(a_slow_init_that_comes_too_late_ends_again)
{
    resty_ffi_options o = host_thread;
    o.load_timeout_ms = 50;
    host_open(&h);
    int before = check_descriptors();
    CHECK(!host_try(&h, "ffi_c_methods", "pause=150", &o));
    host_rest(&h, 50);
    CHECK_SOON((host_run(&h, 0), check_descriptors() == before), 20000);
    host_close(&h);
}

TEST(waiting_can_be_done_in_portions)
{
    char error[256];
    host_open(&h);
    resty_ffi_runtime *rt =
        resty_ffi_runtime_load(h.loop, "ffi_c_methods", "pause=1500", 10, &host_thread, error, sizeof error);
    CHECK(rt);
    CHECK_INT(resty_ffi_runtime_wait(rt, 0, error, sizeof error), 0);
    uint64_t start = check_now();
    CHECK_INT(resty_ffi_runtime_wait(rt, 30, error, sizeof error), 0);
    CHECK(check_now() - start < 1400);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK(host_submit(rt, call, "echo", "x") < 0); /* not yet */
    CHECK_INT(resty_ffi_runtime_wait(rt, -1, error, sizeof error), 1);
    CHECK_INT(resty_ffi_runtime_wait(rt, 0, error, sizeof error), 1);
    CHECK_INT(host_call(&h, rt, call, "echo", "x"), 0);
    resty_ffi_call_free(call);
    resty_ffi_runtime_release(rt);
    host_close(&h);
}

TEST(unloading_while_it_loads)
{
    char error[256];
    host_open(&h);
    resty_ffi_runtime *rt =
        resty_ffi_runtime_load(h.loop, "ffi_c_methods", "pause=100", 9, &host_thread, error, sizeof error);
    CHECK(rt);
    resty_ffi_runtime_unload(rt);
    CHECK_INT(resty_ffi_runtime_wait(rt, -1, error, sizeof error), -1);
    CHECK_HAS(error, "unloaded while it was starting");
    resty_ffi_runtime_release(rt);
    host_expect(&h, host_load(&h, "ffi_c_methods", "pause=100", &host_thread), "echo", "x", "x");
    host_close(&h);
}

TEST(impossible_options_are_refused)
{
    resty_ffi_options o = host_thread;
    host_open(&h);
    o.max_queue = 2000000;
    CHECK(!host_try(&h, "ffi_c_echo2", NULL, &o));
    CHECK_HAS(h.error, "max_queue is 2000000, at most 1048576");
    o = host_thread;
    o.workers = 1000;
    CHECK(!host_try(&h, "ffi_c_echo2", NULL, &o));
    CHECK_HAS(h.error, "workers is 1000");
    o = host_thread;
    o.max_queue = 1 << 20;
    host_expect(&h, host_load(&h, "ffi_c_echo2", NULL, &o), "echo", "x", "x");
    host_close(&h);
}

TEST(its_symbols_are_global_if_that_is_wanted)
{
    static const resty_ffi_options *const both[] = {&host_process, &host_thread};
    host_open(&h);
    for (int k = 0; k < 2; k++) {
        resty_ffi_options o = *both[k];
        host_expect(&h, host_load(&h, "ffi_c_methods", k ? "thread" : "process", &o), "symbol", "streams_new",
                    "hidden");
        o.global = RESTY_FFI_YES;
        host_expect(&h, host_load(&h, "ffi_c_methods", k ? "global" : "isolated global", &o), "symbol", "streams_new",
                    "seen");
    }
    host_close(&h);
}

TEST(two_at_once_load)
{
    host_open(&h);
    char error[256];
    resty_ffi_runtime *rt[8];
    static const char *const cfg[] = {"1", "2", "3", "4", "5", "6", "7", "8"};
    for (int k = 0; k < 8; k++)
        CHECK(rt[k] = resty_ffi_runtime_load(h.loop, "ffi_c_methods", cfg[k], 1, &host_thread, error, sizeof error));
    for (int k = 0; k < 8; k++) {
        CHECK_INT(resty_ffi_runtime_wait(rt[k], -1, error, sizeof error), 1);
        host_expect(&h, rt[k], "config", NULL, cfg[k]);
        resty_ffi_runtime_release(rt[k]);
    }
    host_close(&h);
}

TEST(the_host_keeps_its_mask)
{
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    host_open(&h);
    host_load(&h, "ffi_c_methods", "threads=4", &host_thread);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int k = 1; k < SIGRTMAX; k++)
        CHECK_INT(sigismember(&after, k), sigismember(&before, k));
    host_close(&h);
}
