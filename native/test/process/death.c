/* Processes that die: what their callers see, and how they come back. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../check.h"
#include "children.h"

static struct host h;

static resty_ffi_stats stats(resty_ffi_runtime *rt)
{
    resty_ffi_stats s;
    resty_ffi_runtime_stats(rt, &s);
    return s;
}

TEST(killed_with_a_call_in_flight)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &host_process);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    pid_t pid = child_of(&h, rt);
    CHECK_INT(host_call(&h, rt, call, "none", NULL), 0);
    CHECK(call->nil);
    CHECK_INT(host_submit(rt, call, "never", NULL), 0);
    host_rest(&h, 20);
    kill(pid, SIGKILL);
    uint64_t start = check_now();
    host_wait(&h, call, 20000);
    CHECK(check_now() - start < CHECK_QUICK_MS);
    CHECK_INT(call->status, RESTY_FFI_EXITED);
    CHECK(!call->nil);
    CHECK_TEXT(host_answer(call), "runtime \"ffi_c_methods\" exited (signal 9, Killed)");
    CHECK(host_logged(&h, "4 ffi_c_methods: exited (signal 9, Killed); it is being restarted"));
    host_expect(&h, rt, "echo", "again", "again");
    CHECK(child_of(&h, rt) != pid);
    CHECK_INT(stats(rt).restarts, 1);
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(the_runner_killed)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &host_process);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    pid_t pid = child_of(&h, rt);
    CHECK_INT(host_submit(rt, call, "never", NULL), 0);
    host_rest(&h, 20);
    kill(parent_of(pid), SIGKILL);
    host_wait(&h, call, 20000);
    CHECK_INT(call->status, RESTY_FFI_EXITED);
    CHECK_HAS(host_answer(call), "exited (");
    CHECK_SOON(ended(pid), 20000); /* it does not outlive its watcher */
    host_expect(&h, rt, "echo", "again", "again");
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(how_it_ended_is_told)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &host_process);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_INT(host_call(&h, rt, call, "exit", NULL), RESTY_FFI_EXITED);
    CHECK_HAS(host_answer(call), "exited (exit code 3)");
    CHECK_INT(host_call(&h, rt, call, "crash", NULL), RESTY_FFI_EXITED);
    CHECK_HAS(host_answer(call), "exited (signal 6, Aborted)");
    kill(parent_of(child_of(&h, rt)), SIGTERM); /* passed on */
    CHECK_SOON((host_run(&h, 0), stats(rt).restarts == 3), 20000);
    CHECK(host_logged(&h, "exited (signal 15, Terminated)"));
    host_expect(&h, rt, "echo", "again", "again");
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(calls_that_come_meanwhile_are_served_by_the_next)
{
    resty_ffi_call *calls[10];
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", "pause=200", &host_process);
    pid_t pid = child_of(&h, rt);
    kill(pid, SIGKILL);
    CHECK_SOON((host_run(&h, 0), stats(rt).restarts == 1), 20000);
    for (int k = 0; k < 10; k++)
        CHECK_INT(host_submit(rt, calls[k] = resty_ffi_call_new(h.loop), "echo", "patience"), 0);
    for (int k = 0; k < 10; k++) {
        host_wait(&h, calls[k], 20000);
        CHECK_INT(calls[k]->status, 0);
        CHECK_TEXT(host_answer(calls[k]), "patience");
        resty_ffi_call_free(calls[k]);
    }
    host_close(&h);
}

TEST(one_that_keeps_dying_is_started_ever_more_slowly)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &host_process);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    uint64_t start = check_now();
    while (stats(rt).restarts < 6) {
        if (call->state != RESTY_FFI_IN_FLIGHT)
            CHECK_INT(host_submit(rt, call, "exit", NULL), 0);
        host_run(&h, 20);
    }
    /* The pauses before it is started again: 0, 50, 100, 200, 400 ms … */
    CHECK(check_now() - start >= 50 + 100 + 200 + 400);
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(without_restart_it_stays_down)
{
    resty_ffi_options o = host_process;
    o.restart = RESTY_FFI_NO;
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &o);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_INT(host_call(&h, rt, call, "exit", NULL), RESTY_FFI_EXITED);
    CHECK(host_logged(&h, "exited (exit code 3); it is not restarted"));
    CHECK_INT(host_submit(rt, call, "echo", "x"), RESTY_FFI_EXITED);
    CHECK_HAS(resty_ffi_runtime_explain(rt, RESTY_FFI_EXITED), "exited (exit code 3) and is not running");
    host_rest(&h, 300);
    CHECK_INT(host_submit(rt, call, "echo", "x"), RESTY_FFI_EXITED);
    CHECK_INT(stats(rt).restarts, 0);
    CHECK_INT(own_children(), 0);
    resty_ffi_runtime_unload(rt);
    host_expect(&h, host_load(&h, "ffi_c_methods", NULL, &o), "echo", "x", "x");
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(of_three_workers_two_go_on)
{
    enum { N = 3 };
    resty_ffi_call *calls[N];
    pid_t pids[N];
    resty_ffi_options o = host_process;
    o.workers = N;
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", "threads=2", &o);
    for (int k = 0; k < N; k++) {
        pids[k] = child_of(&h, rt);
        CHECK_INT(host_submit(rt, calls[k] = resty_ffi_call_new(h.loop), k == 1 ? "never" : "block", "500"), 0);
    }
    kill(pids[1], SIGKILL);
    host_wait(&h, calls[1], 20000);
    CHECK_INT(calls[1]->status, RESTY_FFI_EXITED);
    host_expect(&h, rt, "echo", "x", "x");
    host_wait(&h, calls[0], 20000);
    host_wait(&h, calls[2], 20000);
    CHECK_INT(calls[0]->status, 0);
    CHECK_INT(calls[2]->status, 0);
    CHECK(!ended(pids[0]) && !ended(pids[2]) && ended(pids[1]));
    CHECK_SOON((host_run(&h, 0), own_children() == N), 20000);
    for (int k = 0; k < N; k++)
        resty_ffi_call_free(calls[k]);
    host_close(&h);
}

TEST(the_last_call_of_an_unload_dies_with_its_worker)
{
    resty_ffi_options o = host_process;
    o.workers = 2;
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &o);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    pid_t first = child_of(&h, rt);
    CHECK_INT(host_submit(rt, call, "never", NULL), 0);
    resty_ffi_runtime_unload(rt);
    host_rest(&h, 20);
    kill(first, SIGKILL);
    host_wait(&h, call, 20000);
    CHECK_INT(call->status, RESTY_FFI_EXITED);
    CHECK_SOON((host_run(&h, 0), own_children() == 0), 20000); /* the idle worker is told to end, too */
    resty_ffi_call_free(call);
    host_close(&h);
}

static void last_words(const char *lib, const char *cfg, const char *text)
{
    CHECK(!host_try(&h, lib, cfg, &host_process));
    CHECK_HAS(h.error, text);
}

TEST(one_that_dies_while_it_starts_says_why)
{
    char many[1000] = "die ", text[600];
    host_open(&h);
    last_words("ffi_c_exits", "die ", "cannot load \"ffi_c_exits\": it exited while it was starting (exit code 9)");
    last_words("ffi_c_exits", "die no licence\n\ncall\tus\033!\n",
               "it exited while it was starting (exit code 9; its last words: \"no licence | call us !\")");
    /* The end of it, and no half characters. */
    while (strlen(many) < 900)
        strcat(many, "\303\244");
    strcat(many, "end");
    last_words("ffi_c_exits", many, "\303\244end\")");
    snprintf(text, sizeof text, "%s", strstr(h.error, "words: \"") + 8);
    CHECK(strlen(text) <= 402 && strlen(text) > 390);
    CHECK(strncmp(text, "\303\244", 2) == 0);
    host_close(&h);
}

TEST(its_last_words_are_those_of_each_start)
{
    char folder[] = "/tmp/resty-ffi-test-XXXXXX", lib[64], from[4200];
    CHECK(mkdtemp(folder));
    snprintf(lib, sizeof lib, "%s/libwords.so", folder);
    host_library("ffi_c_methods", from, sizeof from);
    host_copy(from, lib);
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, lib, "die so soon", &host_process);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_INT(host_call(&h, rt, call, "print", "stderr earlier words"), 0);
    host_library("ffi_c_exits", from, sizeof from);
    host_copy(from, lib);
    CHECK_INT(host_call(&h, rt, call, "exit", NULL), RESTY_FFI_EXITED);
    CHECK_HAS(host_answer(call), "exited (exit code 3)");
    CHECK_SOON(host_logged(&h, "exited (exit code 9; its last words: \"so soon\"); it is being "
                               "restarted"),
               20000);
    resty_ffi_call_free(call);
    host_close(&h);
    unlink(lib);
    rmdir(folder);
}

/* One that never becomes a resty-ffi-run says so by itself, as ld.so does. */
TEST(a_runner_that_does_not_run_says_why)
{
    char script[] = "/tmp/resty-ffi-test-XXXXXX";
    static const char text[] = "#!/bin/sh\necho 'libc.so.6: version not found' >&2\nexit 127\n";
    int fd = mkstemp(script);
    CHECK(fd >= 0 && write(fd, text, sizeof text - 1) == sizeof text - 1);
    CHECK(fchmod(fd, 0755) == 0);
    close(fd);
    setenv("RESTY_FFI_RUNNER", script, 1);
    host_open(&h);
    last_words("ffi_c_echo2", NULL,
               "it exited while it was starting (exit code 127; its last words: \"libc.so.6: version not found\")");
    host_close(&h);
    unlink(script);
}

TEST(one_that_cannot_start_again_goes_on_trying)
{
    char folder[] = "/tmp/resty-ffi-test-XXXXXX", lib[64], own[4000] = "", source[4096], command[8300];
    CHECK(mkdtemp(folder));
    ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
    CHECK(n > 0);
    *strrchr(own, '/') = 0;
    snprintf(source, sizeof source, "%s/../../lib/libffi_c_methods.so", own);
    snprintf(lib, sizeof lib, "%s/libgone.so", folder);
    snprintf(command, sizeof command, "cp '%s' '%s'", source, lib);
    CHECK(system(command) == 0);
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, lib, NULL, &host_process);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    unlink(lib);
    CHECK_INT(host_call(&h, rt, call, "exit", NULL), RESTY_FFI_EXITED);
    CHECK_INT(host_call(&h, rt, call, "echo", "x"), RESTY_FFI_EXITED);
    CHECK_HAS(host_answer(call), "libgone.so");
    CHECK(system(command) == 0);
    CHECK_SOON(host_call(&h, rt, call, "echo", "back") == 0, 20000);
    CHECK_TEXT(host_answer(call), "back");
    unlink(lib);
    rmdir(folder);
    resty_ffi_call_free(call);
    host_close(&h);
}
