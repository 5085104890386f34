#include "signals.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../channel/lock.h"
#include "../../objects/imports.h"

#define SIGNALS 32 /* real-time signals are left to their users */

typedef void (*handler)(int number, siginfo_t *info, void *context);

/*
 * Handlers run at any time on any thread, so every field that they read is atomic. The number of a handler's arguments
 * does not matter: one that takes a single argument ignores the others. The lock guards the structs.
 */
struct one {
    _Atomic(handler) to_host, to_runtime; /* NULL = none: SIG_DFL or SIG_IGN */
    _Atomic int host_flags;
    struct sigaction host, runtime; /* what the host and the runtimes have asked for */
    bool ours;                      /* the kernel calls us */
};

static struct one signals[SIGNALS];
static rf_lock lock;
static _Atomic int owner; /* the process that runs the libraries; its forks do not count */
static _Atomic uint32_t asked;

static const struct {
    int number;
    const char *name;
} always[] = {{SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"},   {SIGTERM, "SIGTERM"},
              {SIGUSR1, "SIGUSR1"}, {SIGUSR2, "SIGUSR2"}, {SIGWINCH, "SIGWINCH"}, {SIGCHLD, "SIGCHLD"}};
#define ALWAYS (sizeof always / sizeof *always)

/* libc may return the number that it cached before a fork. */
static int process(void)
{
    return (int)syscall(SYS_getpid);
}

static bool on_main_thread(int self)
{
    return (int)syscall(SYS_gettid) == self;
}

/* Signals that a thread causes itself, or that a library sends to its own threads. */
static bool synchronous(int number)
{
    static const int list[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT, SIGTRAP,
                               SIGURG,  SIGPROF, SIGKILL, SIGSTOP, SIGSYS,  SIGPIPE};
    for (size_t k = 0; k < sizeof list / sizeof *list; k++)
        if (list[k] == number)
            return true;
    return number <= 0 || number >= SIGNALS;
}

static handler handler_of(const struct sigaction *a)
{
    return a->sa_handler == SIG_DFL || a->sa_handler == SIG_IGN ? NULL : (handler)a->sa_sigaction;
}

static bool is_hosts(int number)
{
    for (size_t k = 0; k < ALWAYS; k++)
        if (always[k].number == number)
            return true;
    return !synchronous(number) && atomic_load(&signals[number].to_host) != NULL;
}

/* A negative code keeps the sender's number, and tells it apart from what is sent to a thread. */
static void send_to_main(int self, int number, siginfo_t *info)
{
    siginfo_t copy = *info;
    copy.si_code = SI_QUEUE;
    if (number == SIGIO || number == SIGALRM)
        copy.si_pid = 0; /* these have something else there */
    if (syscall(SYS_rt_tgsigqueueinfo, self, self, number, &copy) != 0)
        syscall(SYS_tgkill, self, self, number);
}

/* Does what the system would have done if the runtime had not asked for the signal. */
static void by_default(int self, int number)
{
    struct sigaction a = {.sa_handler = SIG_DFL};
    if (number == SIGCHLD || number == SIGWINCH || signals[number].host.sa_handler == SIG_IGN)
        return;
    sigaction(number, &a, NULL);
    syscall(SYS_tgkill, self, (int)syscall(SYS_gettid), number); /* taken when we return */
}

static void host_takes(int self, int number, siginfo_t *info, void *context)
{
    handler host = atomic_load(&signals[number].to_host);
    if (!host) {
        by_default(self, number);
        return;
    }
    if (atomic_load(&signals[number].host_flags) & (int)SA_RESETHAND) {
        struct sigaction a = {.sa_handler = SIG_DFL};
        atomic_store(&signals[number].to_host, NULL);
        sigaction(number, &a, NULL);
    }
    host(number, info, context);
}

static void take_signal(int number, siginfo_t *info, void *context)
{
    int before = errno, self = process();
    handler runtime = atomic_load(&signals[number].to_runtime);
    if (self != atomic_load(&owner))
        host_takes(self, number, info, context); /* a fork that has not become another program yet */
    else if (runtime && info->si_code == SI_TKILL && info->si_pid == self)
        runtime(number, info, context);
    else if (!on_main_thread(self))
        send_to_main(self, number, info);
    else {
        host_takes(self, number, info, context);
        if (runtime && number == SIGCHLD)
            runtime(number, info, context);
    }
    errno = before;
}

/*
 * SA_ONSTACK, since goroutines have small stacks. SA_RESTART, so that waiting calls of libraries do not end with EINTR;
 * it never applies to epoll_wait and poll, so a host's event loop still wakes.
 */
static void install(int number)
{
    struct one *s = &signals[number];
    struct sigaction a = {.sa_sigaction = take_signal, .sa_mask = s->host.sa_mask};
    a.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    a.sa_flags |= s->host.sa_flags & (SA_NOCLDSTOP | SA_NOCLDWAIT | (int)SA_NODEFER);
    s->ours = sigaction(number, &a, NULL) == 0;
}

static void set_host(int number, const struct sigaction *a)
{
    signals[number].host = *a;
    atomic_store(&signals[number].host_flags, a->sa_flags);
    atomic_store(&signals[number].to_host, handler_of(a));
}

static void set_runtime(int number, const struct sigaction *a)
{
    signals[number].runtime = *a;
    atomic_store(&signals[number].to_runtime, handler_of(a));
}

/* A signal that comes while its thread holds the lock may ask for it. */
static void hold(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, before);
    rf_lock_acquire(&lock);
}

static void let_go(const sigset_t *before)
{
    rf_lock_release(&lock);
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

static int host_sigaction(int number, const struct sigaction *act, struct sigaction *old)
{
    sigset_t before;
    if (synchronous(number) || process() != atomic_load(&owner))
        return sigaction(number, act, old);
    struct one *s = &signals[number];
    struct sigaction now, wanted;
    int rc = 0;
    if (act)
        wanted = *act; /* the same struct may be meant */
    hold(&before);
    bool taken = s->ours;
    if (!taken)
        rc = sigaction(number, NULL, &now);
    if (old)
        *old = taken ? s->host : now;
    if (act) {
        if (!taken && handler_of(&now))
            set_runtime(number, &now); /* no host's until now */
        set_host(number, &wanted);
        if (handler_of(&wanted) || atomic_load(&s->to_runtime)) {
            install(number);
        } else {
            s->ours = false;
            rc = sigaction(number, &wanted, NULL);
        }
    }
    let_go(&before);
    return rc;
}

static int runtime_sigaction(int number, const struct sigaction *act, struct sigaction *old)
{
    sigset_t before;
    if (!is_hosts(number) || process() != atomic_load(&owner))
        return sigaction(number, act, old);
    struct sigaction wanted;
    if (act)
        wanted = *act;
    hold(&before);
    if (old)
        *old = signals[number].runtime;
    if (act) {
        set_runtime(number, &wanted);
        if (handler_of(&wanted)) {
            atomic_fetch_or(&asked, 1u << number);
            if (!signals[number].ours)
                install(number);
        }
    }
    let_go(&before);
    return 0;
}

/* The older functions, by sigaction. */

typedef int (*sigaction_function)(int number, const struct sigaction *act, struct sigaction *old);

static sighandler_t set_by(sigaction_function set, int number, sighandler_t function, int flags)
{
    struct sigaction a = {.sa_handler = function, .sa_flags = flags}, old;
    return set(number, &a, &old) == 0 ? old.sa_handler : SIG_ERR;
}

static sighandler_t host_signal(int number, sighandler_t function)
{
    return set_by(host_sigaction, number, function, SA_RESTART);
}

static sighandler_t runtime_signal(int number, sighandler_t function)
{
    return set_by(runtime_sigaction, number, function, SA_RESTART);
}

static sighandler_t host_signal_once(int number, sighandler_t function)
{
    return set_by(host_sigaction, number, function, (int)(SA_RESETHAND | SA_NODEFER));
}

static sighandler_t runtime_signal_once(int number, sighandler_t function)
{
    return set_by(runtime_sigaction, number, function, (int)(SA_RESETHAND | SA_NODEFER));
}

static int runtime_sigignore(int number)
{
    return runtime_signal(number, SIG_IGN) == SIG_ERR ? -1 : 0;
}

static int runtime_siginterrupt(int number, int flag)
{
    struct sigaction a;
    if (runtime_sigaction(number, NULL, &a) != 0)
        return -1;
    a.sa_flags = flag ? a.sa_flags & ~SA_RESTART : a.sa_flags | SA_RESTART;
    return handler_of(&a) ? runtime_sigaction(number, &a, NULL) : 0;
}

/* A fork of a library is a program of its own, with the handlers that the library has asked for. */
static pid_t runtime_fork(void)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* a signal that comes at once finds the right handler */
    pid_t pid = fork();
    int error = errno;
    for (int number = 1; pid == 0 && number < SIGNALS; number++)
        if (signals[number].ours)
            sigaction(number, &signals[number].runtime, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return pid;
}

#define REPLACE(whose, name, function) rf_imports_replace(whose, name, (void (*)(void))(function))

void rf_signals_replace(void)
{
    static const char *const names[] = {"signal", "bsd_signal", "ssignal"};
    static const char *const once[] = {"sysv_signal", "__sysv_signal"};
    REPLACE(RF_HOST, "sigaction", host_sigaction);
    REPLACE(RF_RUNTIMES, "sigaction", runtime_sigaction);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        REPLACE(RF_HOST, names[k], host_signal);
        REPLACE(RF_RUNTIMES, names[k], runtime_signal);
    }
    for (size_t k = 0; k < sizeof once / sizeof *once; k++) {
        REPLACE(RF_HOST, once[k], host_signal_once);
        REPLACE(RF_RUNTIMES, once[k], runtime_signal_once);
    }
    REPLACE(RF_RUNTIMES, "sigignore", runtime_sigignore);
    REPLACE(RF_RUNTIMES, "siginterrupt", runtime_siginterrupt);
    REPLACE(RF_RUNTIMES, "fork", runtime_fork);
}

void rf_signals_begin(void)
{
    sigset_t before;
    struct sigaction a;
    if (atomic_load(&owner) == process())
        return;
    hold(&before);
    for (int number = 1; number < SIGNALS; number++) {
        if (synchronous(number) || sigaction(number, NULL, &a) != 0 || a.sa_sigaction == take_signal)
            continue;
        set_host(number, &a);
        if (handler_of(&a))
            install(number);
    }
    atomic_store(&owner, process());
    let_go(&before);
}

void rf_signals_mask(sigset_t *mask)
{
    pthread_sigmask(SIG_SETMASK, NULL, mask);
    /*
     * A host that blocks a signal and reads it from a signalfd still gets it: the signal stays pending at the main
     * thread.
     */
    for (int number = 1; number < SIGNALS; number++)
        if (signals[number].ours)
            sigdelset(mask, number);
}

void rf_signals_restore(void)
{
    sigset_t before;
    struct sigaction now;
    hold(&before);
    for (int number = 1; number < SIGNALS; number++) {
        struct one *s = &signals[number];
        if (!is_hosts(number) || sigaction(number, NULL, &now) != 0 || now.sa_sigaction == take_signal)
            continue;
        if (!s->ours && now.sa_handler == s->host.sa_handler)
            continue;
        set_runtime(number, &now);
        if (handler_of(&now))
            atomic_fetch_or(&asked, 1u << number);
        if (s->ours || handler_of(&now))
            install(number);
        else
            sigaction(number, &s->host, NULL);
    }
    let_go(&before);
}

bool rf_signals_asked(char *out, size_t size)
{
    uint32_t set = atomic_exchange(&asked, 0);
    size_t used = 0;
    out[0] = 0;
    for (size_t k = 0; k < ALWAYS; k++) {
        size_t len = strlen(always[k].name);
        /* SIGCHLD reaches both; with SIGUSR2 the JVM stops its own threads. */
        if (!(set & 1u << always[k].number) || always[k].number == SIGCHLD || always[k].number == SIGUSR2)
            continue;
        if (used + len + 3 > size)
            break;
        if (used) {
            memcpy(out + used, ", ", 2);
            used += 2;
        }
        memcpy(out + used, always[k].name, len + 1);
        used += len;
    }
    return used > 0;
}
