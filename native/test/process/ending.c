/* How processes end: when they are unloaded, when they do not want to, and when their host is gone. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "children.h"

static struct host h;

/* An end has a time limit, which a machine that is busy enough exceeds: so once more. */
#define TIMES 20

/* How long they took, in ms. */
static uint64_t end_of(pid_t pid, pid_t runner)
{
    uint64_t start = check_now(), took;
    CHECK_SOON((host_run(&h, 0), ended(pid) && ended(runner)), 20000);
    took = check_now() - start;
    CHECK_SOON((host_run(&h, 0), own_children() == 0), 20000); /* no zombie either */
    return took;
}

TEST(unload_ends_it_soon)
{
    static const char *const libs[][3] = {
        {"ffi_c_methods", "threads=3", "x"}, {"ffi_c_methods", "wait=edge", "x"}, {"ffi_c_methods", "wait=level", "x"}};
    host_open(&h);
    for (int k = 0; k < 3; k++) {
        /* On a busy machine not each time: but none waits for the patience of 1500 ms. */
        uint64_t best = UINT64_MAX;
        for (int times = 0; times < TIMES && best >= 700; times++) {
            resty_ffi_runtime *rt = host_load(&h, libs[k][0], libs[k][1], &host_process);
            pid_t pid = child_of(&h, rt), runner = parent_of(pid);
            resty_ffi_runtime_unload(rt);
            uint64_t took = end_of(pid, runner);
            best = took < best ? took : best;
        }
        CHECK(best < 700);
    }
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_original", "3", &host_process);
    host_expect(&h, rt, "x", "echo y", "y");
    resty_ffi_runtime_unload(rt);
    CHECK_SOON((host_run(&h, 0), own_children() == 0), 20000);
    host_close(&h);
}

TEST(calls_in_flight_finish_first)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", "threads=2", &host_process);
    resty_ffi_call *a = resty_ffi_call_new(h.loop), *b = resty_ffi_call_new(h.loop);
    pid_t pid = child_of(&h, rt), runner = parent_of(pid);
    CHECK_INT(host_submit(rt, a, "block", "300"), 0);
    CHECK_INT(host_submit(rt, b, "sleep", "300"), 0);
    resty_ffi_runtime_unload(rt);
    host_wait(&h, a, 20000);
    host_wait(&h, b, 20000);
    CHECK_TEXT(host_answer(a), "blocked");
    CHECK_TEXT(host_answer(b), "slept");
    end_of(pid, runner);
    CHECK_TEXT(host_answer(a), "blocked"); /* still there */
    resty_ffi_call_free(a);
    resty_ffi_call_free(b);
    host_close(&h);
}

static resty_ffi_stats stats(resty_ffi_runtime *rt)
{
    resty_ffi_stats s;
    resty_ffi_runtime_stats(rt, &s);
    return s;
}

static void unload(const char *cfg)
{
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_exits", cfg, &host_process);
    host_expect(&h, rt, "any", "x", "x");
    resty_ffi_runtime_unload(rt);
    CHECK_SOON((host_run(&h, 0), own_children() == 0), 20000);
    CHECK_INT(stats(rt).restarts, 0);
    host_release(&h, rt);
}

TEST(exit_handlers_run)
{
    host_open(&h);
    for (int k = 0; k < TIMES && !host_logged(&h, "4 ffi_c_exits: goodbye\n"); k++)
        unload("say goodbye");
    CHECK_HAS(h.log, "4 ffi_c_exits: goodbye\n");
    CHECK(!strstr(h.log, "did not end well"));
    host_close(&h);
}

TEST(an_exit_handler_that_crashes_is_no_failure)
{
    static const char text[] = "5 ffi_c_exits: its process did not end well: signal 6, Aborted\n";
    host_open(&h);
    for (int k = 0; k < TIMES && !host_logged(&h, text); k++)
        unload("crash");
    CHECK_HAS(h.log, text);
    CHECK(!strstr(h.log, "exited"));
    host_close(&h);
}

/* It is told to end, not killed: what its exit handler does is done when the host is closed. */
TEST(exit_handlers_run_when_the_host_ends)
{
    char file[] = "/tmp/resty-ffi-test-XXXXXX", cfg[64], found[16] = "";
    int fd = mkstemp(file);
    CHECK(fd >= 0);
    snprintf(cfg, sizeof cfg, "write %s", file);
    for (int k = 0; k < TIMES && read(fd, found, sizeof found - 1) <= 0; k++) {
        host_open(&h);
        host_expect(&h, host_load(&h, "ffi_c_exits", cfg, &host_process), "any", "x", "x");
        host_close_within(&h, 8000);
    }
    CHECK_TEXT(found, "goodbye");
    close(fd);
    unlink(file);
}

TEST(an_exit_handler_that_hangs_is_killed)
{
    host_open(&h);
    unload("hang");
    host_close(&h);
}

TEST(one_that_is_stuck_is_killed)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &host_process);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    pid_t pid = child_of(&h, rt), runner = parent_of(pid);
    CHECK_INT(host_submit(rt, call, "block", "60000"), 0);
    host_rest(&h, 20);
    resty_ffi_call_cancel(call, RESTY_FFI_TIMEOUT);
    resty_ffi_runtime_unload(rt);
    end_of(pid, runner);
    resty_ffi_call_free(call);
    host_close(&h);
}

TEST(one_that_is_stopped_is_killed)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &host_process);
    pid_t pid = child_of(&h, rt), runner = parent_of(pid);
    kill(pid, SIGSTOP);
    resty_ffi_runtime_unload(rt);
    end_of(pid, runner);
    host_close(&h);
}

TEST(thirty_times)
{
    int descriptors = 0;
    long resident = 0;
    host_open(&h);
    for (int k = 0; k < 30; k++) {
        if (k == 5) {
            descriptors = check_descriptors();
            resident = check_resident_kb();
        }
        resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &host_process);
        host_expect(&h, rt, "echo", "x", "x");
        host_unload(&h, rt);
        CHECK_SOON((host_run(&h, 1), own_children() == 0), 20000);
    }
    CHECK_SOON((host_run(&h, 1), check_descriptors() <= descriptors), 20000);
    /* AddressSanitizer keeps what is freed. */
    CHECK(CHECK_SANITIZED || check_resident_kb() - resident < 2000);
    host_close(&h);
}

TEST(closing_the_loop_ends_all)
{
    resty_ffi_options o = host_process;
    o.workers = 3;
    host_open(&h);
    resty_ffi_runtime *good = host_load(&h, "ffi_c_methods", NULL, &o);
    host_load(&h, "ffi_c_original", NULL, &host_process);
    pid_t pid = child_of(&h, good);
    CHECK_INT(own_children(), 4);
    uint64_t start = check_now();
    host_close(&h);
    CHECK(check_now() - start < CHECK_QUICK_MS);
    CHECK(ended(pid));
    CHECK_INT(own_children(), 0);
}

TEST(last_words_are_heard_when_the_loop_is_closed)
{
    host_open(&h);
    host_load(&h, "ffi_c_methods", "farewell", &host_process);
    resty_ffi_loop_close(h.loop, 10000);
    /* Without another run of the loop. */
    const char *text;
    size_t len;
    int logged = 0, printed = 0;
    while (resty_ffi_pull_log(h.pull, &text, &len)) {
        logged += memmem(text, len, "logged at the end", 17) != NULL;
        printed += memmem(text, len, "printed at the end", 18) != NULL;
    }
    CHECK_INT(logged, 1);
    CHECK_INT(printed, 1);
    host_close(&h);
}

TEST(closing_the_loop_kills_what_is_stuck)
{
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &host_process);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    pid_t pid = child_of(&h, rt);
    CHECK_INT(host_submit(rt, call, "block", "60000"), 0);
    uint64_t start = check_now();
    host_close_within(&h, 300);
    CHECK(check_now() - start < CHECK_QUICK_MS);
    CHECK_SOON(ended(pid), CHECK_QUICK_MS);
}

/* ---- hosts that die ---- */

struct report {
    pid_t runtime, runner;
};

/* A host in a process of its own, up and serving; it goes on until it is killed. */
static pid_t start_host(struct report *r, bool exits)
{
    int pipes[2];
    CHECK(pipe(pipes) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        host_open(&h);
        resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &host_process);
        r->runtime = child_of(&h, rt);
        r->runner = parent_of(r->runtime);
        CHECK(write(pipes[1], r, sizeof *r) == sizeof *r);
        while (!exits)
            pause(); /* its event loop is blocked */
        _exit(0);
    }
    close(pipes[1]);
    CHECK_INT(read(pipes[0], r, sizeof *r), sizeof *r);
    close(pipes[0]);
    return pid;
}

static void wait_for(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

TEST(a_host_that_is_killed_leaves_no_orphan)
{
    struct report r = {0, 0};
    pid_t host = start_host(&r, false);
    CHECK(!ended(r.runtime) && !ended(r.runner));
    kill(host, SIGKILL);
    wait_for(host);
    CHECK_SOON(ended(r.runtime) && ended(r.runner), 20000);
}

TEST(a_host_that_exits_leaves_no_orphan)
{
    struct report r = {0, 0};
    wait_for(start_host(&r, true));
    CHECK_SOON(ended(r.runtime) && ended(r.runner), 20000);
}

TEST(a_host_that_is_stopped_for_a_while_loses_nothing)
{
    struct report r = {0, 0};
    pid_t host = start_host(&r, false);
    kill(host, SIGSTOP);
    check_sleep(300);
    kill(host, SIGCONT);
    check_sleep(50);
    CHECK(!ended(r.runtime) && !ended(r.runner));
    kill(host, SIGKILL);
    wait_for(host);
    CHECK_SOON(ended(r.runtime) && ended(r.runner), 20000);
}

/* nginx reaps every child itself. */
static void reap(int number)
{
    int saved = errno;
    (void)number;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    errno = saved;
}

TEST(a_host_that_reaps_children_of_its_own_accord)
{
    struct sigaction a = {.sa_handler = reap, .sa_flags = SA_RESTART};
    sigaction(SIGCHLD, &a, NULL);
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &host_process);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_INT(host_call(&h, rt, call, "exit", NULL), RESTY_FFI_EXITED);
    CHECK_HAS(host_answer(call), "exit code 3");
    host_expect(&h, rt, "echo", "again", "again");
    pid_t pid = child_of(&h, rt);
    resty_ffi_runtime_unload(rt);
    end_of(pid, pid);
    resty_ffi_call_free(call);
    host_close(&h);
}
