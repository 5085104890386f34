/*
 * System calls that fail: a filter of the kernel (seccomp) makes them, in this process and in those that it starts.
 * What can be done without them goes on; for the rest the reason is told, and it is the true one.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "children.h"

#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static struct host h;

static void install(struct sock_filter *filter, size_t count)
{
    struct sock_fprog program = {(unsigned short)count, filter};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* From now on the call fails with this error. */
static void forbid(int call, int error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    install(filter, sizeof filter / sizeof *filter);
}

/* The same for a clone with none, or with some, of these flags. */
static void forbid_clone(unsigned flags, bool with, int error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, flags),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, with ? 1 : 0, with ? 0 : 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    forbid(SYS_clone3, ENOSYS); /* its flags are out of a filter's sight; libc then takes clone */
    install(filter, sizeof filter / sizeof *filter);
}

static void fails(const char *lib, const resty_ffi_options *o, const char *text)
{
    CHECK(!host_try(&h, lib, NULL, o));
    CHECK_TEXT(h.error, text);
}

static void fails_with(const resty_ffi_options *o, const char *part)
{
    CHECK(!host_try(&h, "ffi_c_methods", NULL, o));
    CHECK_HAS(h.error, part);
}

static const char no_descriptors[] =
    "Too many open files (EMFILE); this process has as many descriptors open as it may "
    "(ulimit -n, nginx's worker_rlimit_nofile)";

/* ---- Shared memory ---- */

/* System V segments that a process has made. */
static int segments_of(pid_t process)
{
    char line[400];
    int count = 0, creator;
    FILE *f = fopen("/proc/sysvipc/shm", "r");
    CHECK(f);
    while (fgets(line, sizeof line, f))
        count += sscanf(line, "%*d %*d %*o %*u %d", &creator) == 1 && creator == (int)process;
    fclose(f);
    return count;
}

static int segments(void)
{
    return segments_of(getpid());
}

static void serves_without_memfd(void)
{
    static char large[3 << 20];
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", "threads=2", &host_process);
    CHECK_INT(segments(), 1);
    host_expect(&h, rt, "echo", "x", "x");
    memset(large, 'x', sizeof large - 1);
    resty_ffi_call *call = resty_ffi_call_new(h.loop);
    CHECK_INT(host_call(&h, rt, call, "echo", large), 0);
    CHECK_INT(call->len, sizeof large - 1);
    CHECK(memcmp(call->data, large, call->len) == 0);
    /* One that dies gets a segment of its own; nothing is left of the old. */
    CHECK_INT(host_call(&h, rt, call, "crash", NULL), RESTY_FFI_EXITED);
    host_expect(&h, rt, "echo", "again", "again");
    CHECK_SOON((host_run(&h, 0), segments() == 1), 20000);
    /* A program finds it, too. */
    resty_ffi_runtime *program = host_load(&h, "ffi_c_program", NULL, &host_thread);
    host_expect(&h, program, "any", "hello", "hello");
    CHECK_INT(segments(), 2);
    resty_ffi_call_free(call);
    resty_ffi_runtime_unload(rt);
    resty_ffi_runtime_unload(program);
    CHECK_SOON((host_run(&h, 0), segments() == 0), 20000);
    host_close(&h);
}

TEST(memfd_create_is_forbidden)
{
    forbid(SYS_memfd_create, EPERM);
    serves_without_memfd();
}

TEST(memfd_create_is_not_known)
{
    forbid(SYS_memfd_create, ENOSYS);
    serves_without_memfd();
}

TEST(the_size_of_files_is_limited)
{
    struct rlimit limit = {1 << 20, RLIM_INFINITY};
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0); /* beyond it there is a signal that ends the process */
    serves_without_memfd();
}

TEST(a_host_that_is_killed_leaves_no_segment)
{
    int up[2], status;
    char byte;
    CHECK(pipe(up) == 0);
    forbid(SYS_memfd_create, EPERM);
    pid_t host = fork();
    if (host == 0) {
        host_open(&h);
        host_load(&h, "ffi_c_methods", NULL, &host_process);
        CHECK_INT(segments_of(getpid()), 1);
        CHECK(write(up[1], "u", 1) == 1);
        for (;;)
            pause();
    }
    close(up[1]);
    CHECK(read(up[0], &byte, 1) == 1);
    kill(host, SIGKILL);
    CHECK(waitpid(host, &status, 0) == host);
    CHECK_SOON(segments_of(host) == 0, 20000);
    close(up[0]);
}

TEST(no_shared_memory_at_all)
{
    forbid(SYS_memfd_create, ENOSYS);
    forbid(SYS_shmget, EPERM);
    host_open(&h);
    fails("ffi_c_methods", &host_process,
          "cannot load \"ffi_c_methods\": memfd_create failed: Function not implemented (ENOSYS); and instead of it "
          "shmget "
          "failed: Operation not permitted (EPERM)");
    host_expect(&h, host_load(&h, "ffi_c_methods", NULL, &host_thread), "echo", "x", "x");
    host_close(&h);
}

TEST(another_user_reaches_the_segment)
{
    resty_ffi_options o = host_process;
    o.user = "nobody";
    if (getuid() != 0) {
        fprintf(stderr, "skipped: only root can run something as another user\n");
        return;
    }
    forbid(SYS_memfd_create, EPERM);
    host_open(&h);
    /* The other user may not be allowed to read the library; the runner has given the segment away before it fails. */
    if (host_try(&h, "ffi_c_methods", NULL, &o))
        host_expect(&h, host_load(&h, "ffi_c_methods", NULL, &o), "echo", "x", "x");
    else
        CHECK_HAS(h.error, "Permission denied");
    host_close(&h);
}

/* ---- What the host needs ---- */

TEST(eventfd_is_forbidden)
{
    static const char text[] = "cannot load \"ffi_c_methods\": eventfd failed: Operation not permitted (EPERM)";
    host_open(&h);
    forbid(SYS_eventfd2, EPERM);
    fails("ffi_c_methods", &host_thread, text);
    fails("ffi_c_methods", &host_process, text);
    host_close(&h);
}

TEST(no_descriptor_is_left)
{
    char text[400];
    int first = dup(0);
    struct rlimit limit = {(rlim_t)first, (rlim_t)first};
    close(first);
    host_open(&h);
    struct rlimit all;
    getrlimit(RLIMIT_NOFILE, &all);
    limit.rlim_max = all.rlim_max;
    limit.rlim_cur += 2; /* epoll and timer of the host */
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    snprintf(text, sizeof text, "cannot load \"ffi_c_methods\": eventfd failed: %s", no_descriptors);
    fails("ffi_c_methods", &host_thread, text);
    CHECK(setrlimit(RLIMIT_NOFILE, &all) == 0);
    host_expect(&h, host_load(&h, "ffi_c_methods", NULL, &host_thread), "echo", "x", "x");
    host_close(&h);
}

/* However many descriptors there are, a load succeeds, or says that there are too few of them. */
TEST(descriptors_run_out_anywhere)
{
    struct rlimit all;
    getrlimit(RLIMIT_NOFILE, &all);
    host_open(&h);
    host_unload(&h, host_load(&h, "ffi_c_methods", NULL, &host_process)); /* the supervisor is there */
    CHECK_SOON((host_run(&h, 0), own_children() == 0), 20000);
    int free_ones = dup(0), up = 0;
    close(free_ones);
    for (int more = 0; more < 16 && !up; more++) {
        struct rlimit limit = {(rlim_t)(free_ones + more), all.rlim_max};
        CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        up = host_try(&h, "ffi_c_methods", NULL, &host_process) != NULL;
        /* Numbers from 64 on are for the child, whatever is free below. */
        if (!up && !strstr(h.error, no_descriptors))
            CHECK_HAS(h.error, "fcntl(F_DUPFD_CLOEXEC) failed: Invalid argument (EINVAL)");
        CHECK(setrlimit(RLIMIT_NOFILE, &all) == 0);
        CHECK_SOON((host_run(&h, 0), up || own_children() == 0), 20000);
    }
    host_expect(&h, host_load(&h, "ffi_c_methods", "x", &host_process), "echo", "x", "x");
    host_close(&h);
}

static void pull_fails(const char *text)
{
    char error[256] = "";
    CHECK(!resty_ffi_pull_new(error, sizeof error));
    CHECK_TEXT(error, text);
}

TEST(the_host_cannot_wait)
{
    int before = check_descriptors();
    forbid(SYS_epoll_ctl, EPERM);
    pull_fails("epoll_ctl failed: Operation not permitted (EPERM)");
    forbid(SYS_timerfd_create, ENOSYS);
    pull_fails("timerfd_create failed: Function not implemented (ENOSYS)");
    forbid(SYS_epoll_create1, EMFILE);
    pull_fails(
        "epoll_create1 failed: Too many open files (EMFILE); this process has as many descriptors open as it may "
        "(ulimit -n, nginx's worker_rlimit_nofile)");
    CHECK(!resty_ffi_pull_new(NULL, 0));
    CHECK_INT(check_descriptors(), before);
}

TEST(no_address_space_is_left)
{
    struct rlimit limit = {1ull << 30, RLIM_INFINITY};
    if (CHECK_SANITIZED) {
        fprintf(stderr, "skipped: the sanitizers have more than that for themselves\n");
        return;
    }
    host_open(&h);
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    CHECK(!host_try(&h, "ffi_c_methods", NULL, &host_thread));
    CHECK_HAS(h.error, "mmap of ");
    CHECK_HAS(h.error, " MB failed: Cannot allocate memory (ENOMEM); memory or address space is used up (ulimit -v,");
    host_close(&h);
}

TEST(no_thread_can_be_started)
{
    static const char advice[] = "Resource temporarily unavailable (EAGAIN); as many threads and processes run as may "
                                 "(ulimit -u, or pids.max of the cgroup)";
    char text[400];
    host_open(&h);
    forbid_clone(CLONE_THREAD, true, EAGAIN);
    snprintf(text, sizeof text, "cannot load \"ffi_c_methods\": pthread_create for the thread that loads it failed: %s",
             advice);
    fails("ffi_c_methods", &host_thread, text);
    snprintf(text, sizeof text,
             "cannot load \"ffi_c_methods\": pthread_create for the thread that looks after child processes failed: %s",
             advice);
    fails("ffi_c_methods", &host_process, text);
    host_close(&h);
}

/* ---- What starting a child needs ---- */

static void spawn_fails(int call, int error, const char *part)
{
    host_open(&h);
    forbid(call, error);
    int before = check_descriptors();
    fails_with(&host_process, part);
    CHECK_SOON((host_run(&h, 0), check_descriptors() <= before + 1), 20000); /* the supervisor's doorbell */
    CHECK_INT(own_children(), 0);
    host_close(&h);
}

TEST(no_socket)
{
    spawn_fails(SYS_socketpair, EPERM,
                "cannot load \"ffi_c_methods\": socketpair failed: Operation not permitted (EPERM)");
}

TEST(no_pipe)
{
    spawn_fails(
        SYS_pipe2, ENFILE,
        "pipe2 failed: Too many open files in system (ENFILE); the system has as many files open as it may (sysctl "
        "fs.file-max)");
}

TEST(no_process)
{
    host_open(&h);
    forbid_clone(CLONE_VFORK, true, EAGAIN);
    fails_with(&host_process, "/resty-ffi-run failed: Resource temporarily unavailable (EAGAIN); as many threads and "
                              "processes run as may (ulimit -u, or pids.max of the cgroup)");
    host_close(&h);
}

TEST(no_program)
{
    spawn_fails(SYS_execve, EACCES, "/resty-ffi-run failed: Permission denied (EACCES)");
}

/* ---- What resty-ffi-run needs ---- */

static void runner_fails(int call, int error, const resty_ffi_options *o, const char *part)
{
    host_open(&h);
    forbid(call, error);
    fails_with(o, part);
    CHECK_SOON((host_run(&h, 0), own_children() == 0), 20000);
    host_close(&h);
}

TEST(the_runner_cannot_watch)
{
    runner_fails(SYS_signalfd4, ENOSYS, &host_process, "signalfd failed: Function not implemented (ENOSYS)");
}

TEST(the_runner_cannot_fork)
{
    host_open(&h);
    forbid_clone(CLONE_VM, false, EAGAIN);
    fails_with(&host_process, "fork failed: Resource temporarily unavailable (EAGAIN); as many threads and processes");
    host_close(&h);
}

TEST(the_runner_cannot_limit)
{
    resty_ffi_options o = host_process;
    o.cpus = 1;
    runner_fails(SYS_sched_setaffinity, EPERM, &o, "sched_setaffinity failed: Operation not permitted (EPERM)");
    if (CHECK_SANITIZED) {
        fprintf(stderr, "skipped: the sanitizers read the limits, by the call that sets them\n");
        return;
    }
    o = host_process;
    o.files = 64;
    forbid(SYS_setrlimit, EPERM);
    runner_fails(SYS_prlimit64, EPERM, &o, "setrlimit(RLIMIT_NOFILE) failed: Operation not permitted (EPERM)");
}

TEST(the_runner_cannot_change_its_user)
{
    resty_ffi_options o = host_process;
    o.user = "nobody";
    if (getuid() != 0) {
        fprintf(stderr, "skipped: only root can run something as another user\n");
        return;
    }
    runner_fails(SYS_setuid, EAGAIN, &o, "setuid for the option user = \"nobody\" failed: ");
}

TEST(the_runner_closes_descriptors_on_an_old_kernel)
{
    forbid(SYS_close_range, ENOSYS);
    int inherited = open("/dev/null", O_RDONLY); /* not closed on exec */
    host_open(&h);
    resty_ffi_runtime *rt = host_load(&h, "ffi_c_methods", NULL, &host_process);
    char link[64], target[64] = "";
    snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)child_of(&h, rt), inherited);
    CHECK(readlink(link, target, sizeof target - 1) < 0 || strcmp(target, "/dev/null") != 0);
    host_close(&h);
    close(inherited);
}

/* ---- Functions of libc ---- */

/* The part of this program that the dynamic linker has made read-only. */
static int find_relro(struct dl_phdr_info *program, size_t size, void *arg)
{
    uintptr_t *range = arg;
    (void)size;
    for (int k = 0; k < program->dlpi_phnum; k++) {
        const ElfW(Phdr) *p = &program->dlpi_phdr[k];
        if (p->p_type == PT_GNU_RELRO) {
            range[0] = (program->dlpi_addr + p->p_vaddr) & ~(uintptr_t)4095;
            range[1] = program->dlpi_addr + p->p_vaddr + p->p_memsz;
        }
    }
    return 1;
}

static void forbid_mprotect(const uintptr_t *range)
{
    CHECK_INT(range[0] >> 32, range[1] >> 32);
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 6),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(range[0] >> 32), 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (unsigned)range[0], 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (unsigned)range[1], 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    install(filter, sizeof filter / sizeof *filter);
}

TEST(what_a_host_calls_of_libc_stays_as_it_is)
{
    uintptr_t range[2] = {0, 0};
    dl_iterate_phdr(find_relro, range);
    CHECK(range[0] < range[1]);
    signal(SIGUSR2, SIG_IGN); /* one of the functions that are redirected */
    host_open(&h);
    forbid_mprotect(range);
    host_expect(&h, host_load(&h, "ffi_c_methods", NULL, &host_thread), "echo", "x", "x");
    CHECK(host_logged(&h, "calls of libc cannot be redirected here"));
    host_close(&h);
}

/* ---- Process 1 ---- */

static void serve_as_process_1(void)
{
    int status;
    if (unshare(CLONE_NEWPID) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) {
        fprintf(stderr, "skipped: this system lets nobody make a PID namespace (%s)\n", strerror(errno));
        _exit(0);
    }
    pid_t first = fork();
    if (first == 0) {
        CHECK_INT(getpid(), 1);
        host_open(&h);
        host_expect(&h, host_load(&h, "ffi_c_methods", NULL, &host_process), "echo", "x", "x");
        host_close(&h);
        _exit(0);
    }
    CHECK(waitpid(first, &status, 0) == first);
    _exit(status != 0);
}

/* As in a container, where the host is the first process and has the number 1. */
TEST(the_host_is_process_1)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        serve_as_process_1();
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK_INT(status, 0);
}
