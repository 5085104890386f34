/* What a library may take of its host's process: no signal, no child, no variable. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "../host.h"

extern char **environ;

static struct host h;
static _Atomic int handled, elsewhere;
static pthread_t main_thread;

static void on_signal(int number)
{
    (void)number;
    handled++;
    if (!pthread_equal(pthread_self(), main_thread))
        elsewhere++;
}

static void handle(int number, void (*function)(int))
{
    struct sigaction a = {.sa_handler = function};
    CHECK_INT(sigaction(number, &a, NULL), 0);
}

static resty_ffi_runtime *load(void)
{
    main_thread = pthread_self();
    host_open(&h);
    return host_load(&h, "ffi_c_signals", NULL, &host_thread);
}

TEST(the_host_keeps_the_signals_that_a_library_takes)
{
    handle(SIGUSR1, on_signal);
    handle(SIGHUP, on_signal);
    resty_ffi_runtime *rt = load();
    CHECK_SOON((host_run(&h, 0), host_logged(&h, "it asks for SIGHUP: signals from outside stay the host's")), 20000);
    kill(getpid(), SIGHUP); /* the library had it for a moment */
    CHECK_SOON(handled == 1, 20000);
    host_expect(&h, rt, "x", "take", "0");
    kill(getpid(), SIGUSR1);
    CHECK_SOON(handled == 2, 20000);
    host_expect(&h, rt, "x", "leave", "0");
    kill(getpid(), SIGUSR1);
    CHECK_SOON(handled == 3, 20000);
    CHECK_INT(elsewhere, 0);
    host_close(&h);
}

TEST(a_library_gets_what_the_process_sends_to_its_threads)
{
    handle(SIGUSR1, on_signal);
    resty_ffi_runtime *rt = load();
    host_expect(&h, rt, "x", "take", "0");
    host_expect(&h, rt, "x", "self", "1");
    CHECK_INT(handled, 0);
    host_close(&h);
}

TEST(what_the_main_thread_blocks_waits_for_it)
{
#ifdef __SANITIZE_THREAD__
    puts("Not run: the thread sanitizer keeps a signal until its thread makes a call that it knows, and one that waits "
         "for a futex makes none.");
    return;
#endif
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    handle(SIGUSR1, on_signal);
    resty_ffi_runtime *rt = load();
    resty_ffi_runtime *other = host_load(&h, "ffi_c_methods", "threads=4", &host_thread);
    pthread_sigmask(SIG_BLOCK, &one, NULL);
    kill(getpid(), SIGUSR1);
    /* The libraries' threads do not block it: by the next answer one of them has sent it on, or soon. */
    host_expect(&h, rt, "x", "count", "0");
    host_expect(&h, other, "echo", "x", "x");
    check_sleep(20);
    CHECK_INT(handled, 0);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
    CHECK_SOON(handled == 1, 20000);
    CHECK_INT(elsewhere, 0);
    host_close(&h);
}

TEST(the_end_of_a_child_reaches_both)
{
    handle(SIGCHLD, on_signal);
    resty_ffi_runtime *rt = load();
    host_expect(&h, rt, "x", "take", "0");
    host_expect(&h, rt, "x", "program", "7");
    CHECK_SOON(handled == 1, 20000);
    host_expect(&h, rt, "x", "count", "1");
    host_close(&h);
}

TEST(a_host_may_set_and_ask_for_its_handlers_later)
{
    struct sigaction found;
    resty_ffi_runtime *rt = load();
    host_expect(&h, rt, "x", "take", "0");
    CHECK_INT(sigaction(SIGTERM, NULL, &found), 0);
    CHECK(found.sa_handler == SIG_DFL);
    handle(SIGTERM, on_signal);
    CHECK(signal(SIGALRM, on_signal) == SIG_DFL);
    CHECK_INT(sigaction(SIGTERM, NULL, &found), 0);
    CHECK(found.sa_handler == on_signal);
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGALRM);
    CHECK_SOON(handled == 2, 20000);
    handle(SIGTERM, SIG_IGN);
    kill(getpid(), SIGTERM);
    host_expect(&h, rt, "x", "count", "0");
    CHECK_INT(handled, 2);
    host_close(&h);
}

TEST(a_host_without_a_handler_ends_by_the_signal)
{
    int status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        resty_ffi_runtime *rt = load();
        host_expect(&h, rt, "x", "take", "0");
        kill(getpid(), SIGTERM);
        check_sleep(30000);
        _exit(1);
    }
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status));
    CHECK_INT(WTERMSIG(status), SIGTERM);
}

static void *shoot(void *stop)
{
    while (!*(_Atomic int *)stop) {
        kill(getpid(), SIGUSR1);
        kill(getpid(), SIGTERM);
    }
    return NULL;
}

/* Under a storm of signals both sides change their minds. */
TEST(handlers_change_while_signals_come)
{
    static _Atomic int stop;
    pthread_t shooter;
    handle(SIGUSR1, on_signal);
    handle(SIGTERM, on_signal);
    resty_ffi_runtime *rt = load();
    CHECK_INT(pthread_create(&shooter, NULL, shoot, &stop), 0);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    for (int k = 0; k < 300; k++) {
        CHECK_INT(host_call(&h, rt, call, "x", k % 2 ? "leave" : "take"), 0);
        handle(SIGTERM, k % 3 ? on_signal : SIG_IGN);
    }
    CHECK_SOON(handled > 0, 20000);
    stop = 1;
    pthread_join(shooter, NULL);
    resty_ffi_call_free(call);
    CHECK_INT(elsewhere, 0);
    host_close(&h);
}

extern void *__libc_stack_end;

/* Where Go looks: at the start of the process's stack. */
TEST(the_first_environment_becomes_the_present_one)
{
    size_t *stack = __libc_stack_end, size = 0, k;
    char **initial = (char **)(stack + 1 + *stack + 1);
    while (initial[size])
        size++;
    CHECK(size > 2);
    char one[] = "RF_ONE=1", two[] = "RF_TWO=2";
    char *own[] = {one, two, NULL};
    environ = own;
    host_open(&h);
    host_load(&h, "ffi_c_echo2", NULL, &host_thread);
    CHECK_TEXT(initial[0], "RF_ONE=1");
    CHECK_TEXT(initial[1], "RF_TWO=2");
    for (k = 0; environ[k]; k++)
        CHECK_TEXT(initial[k], environ[k]);
    for (; initial[k]; k++)
        CHECK_TEXT(initial[k], "");
    CHECK_INT(k, size);
    host_close(&h);
}
