/* Runtimes that are programs: libffi_argv and resty_ffi_attach. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "children.h"

static struct host h;

static void fails(const char *cfg, const resty_ffi_options *o, const char *why)
{
    CHECK(!host_try(&h, "ffi_c_program", cfg, o));
    CHECK_HAS(h.error, "cannot load \"ffi_c_program\"");
    CHECK_HAS(h.error, why);
}

TEST(it_is_started_as_a_process_without_being_asked_to)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_program", NULL, &host_thread);
    resty_ffi_stats s;
    resty_ffi_runtime_stats(rt, &s);
    CHECK_INT(s.process, 1);
    CHECK_INT(own_children(), 1);
    host_expect(&h, rt, "any", "hello", "hello");
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_INT(host_call(&h, rt, call, "any", NULL), 0);
    CHECK(call->nil);
    resty_ffi_runtime_unload(rt);
    CHECK_SOON((host_run(&h, 0), own_children() == 0), 20000);
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(it_may_have_workers)
{
    resty_ffi_options o = host_thread;
    o.workers = 3;
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_program", NULL, &o);
    CHECK_INT(own_children(), 3);
    for (int k = 0; k < 30; k++)
        host_expect(&h, rt, "any", "hello", "hello");
    host_close(&h);
}

TEST(a_refusal_is_explained)
{
    host_open(&h);
    for (int k = 0; k < 2; k++) {
        const resty_ffi_options *o = k ? &host_process : &host_thread;
        fails("refuse there is no such module", o, "there is no such module");
        fails("missing", o, "/nonexistent/program could not be started: No such file");
        fails("garbled", o, "no proper command line");
        fails("fail it did not like it here", o, "it did not like it here");
        fails("quit", o, "exit code 6");
    }
    CHECK_SOON((host_run(&h, 0), own_children() == 0), 20000);
    host_close(&h);
}

TEST(one_that_is_never_ready_is_killed)
{
    resty_ffi_options o = host_thread;
    o.load_timeout_ms = 300;
    host_open(&h);
    fails("mute", &o, "300 ms (load_timeout)");
    CHECK_SOON((host_run(&h, 0), own_children() == 0), 20000);
    host_close(&h);
}

TEST(one_that_does_not_end_is_killed)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_program", "hold", &host_thread);
    host_expect(&h, rt, "any", "hello", "hello");
    resty_ffi_runtime_unload(rt);
    host_rest(&h, 200);
    CHECK_INT(own_children(), 1);
    CHECK_SOON((host_run(&h, 0), own_children() == 0), 1800);
    host_close(&h);
}

static int run_alone(const char *environment, char *text, size_t size)
{
    char own[4000] = "", command[8300];
    CHECK(readlink("/proc/self/exe", own, sizeof own - 1) > 0);
    *strrchr(own, '/') = 0;
    snprintf(command, sizeof command,
             "%s RESTY_FFI_LIB='%s/../../lib/libresty_ffi.so' '%s/../../lib/ffi_c_attached' 2>&1", environment, own,
             own);
    FILE *f = popen(command, "r");
    CHECK(f);
    text[fread(text, 1, size - 1, f)] = 0;
    return WEXITSTATUS(pclose(f));
}

TEST(a_program_without_a_host_is_told_so)
{
    char text[1000];
    CHECK_INT(run_alone("", text, sizeof text), 1);
    CHECK_HAS(text, "not started by a resty-ffi host");
}

TEST(a_program_with_a_wrong_queue_is_told_so)
{
    char text[1000];
    CHECK_INT(run_alone("RESTY_FFI_QUEUE=0", text, sizeof text), 1);
    CHECK_HAS(text, "out of range");
    CHECK_INT(run_alone("RESTY_FFI_QUEUE=nonsense", text, sizeof text), 1);
    CHECK_INT(run_alone("RESTY_FFI_QUEUE=64", text, sizeof text), 1); /* no memory behind descriptor 3 */
}
