#include "interpreter.h"

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How long the exit of the host's process waits for Python's exit handlers. */
#define EXIT_SECONDS 1

bool interpreter_owns_process(void)
{
    static int owns = -1; /* the thread that starts Python calls first, before any other thread can */
    if (owns < 0)
        owns = syscall(SYS_gettid) == getpid();
    return owns;
}

static const char *start(void)
{
    PyPreConfig before;
    PyPreConfig_InitPythonConfig(&before);
    before.parse_argv = 0;
    /* UTF-8, whatever the host's locale is; the locale stays as the host set it. */
    before.utf8_mode = 1;
    before.configure_locale = 0;
    before.coerce_c_locale = 0;
    PyStatus status = Py_PreInitialize(&before);
    if (PyStatus_Exception(status))
        return status.err_msg ? status.err_msg : "it ended while it was set up";

    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.parse_argv = 0;
    config.install_signal_handlers = 0;
    config.user_site_directory = 0;
    status = PyConfig_SetBytesString(&config, &config.program_name, PYTHON_EXECUTABLE);
    if (!PyStatus_Exception(status))
        status = PyConfig_SetBytesString(&config, &config.executable, PYTHON_EXECUTABLE);
    if (!PyStatus_Exception(status))
        status = PyConfig_SetBytesString(&config, &config.home, PYTHON_HOME);
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status))
        return status.err_msg ? status.err_msg : "it ended while it started";

    /* The first import of _signal takes over SIGINT if it has no handler: undo that. */
    struct sigaction interrupt;
    sigaction(SIGINT, NULL, &interrupt);
    PyObject *module = PyImport_ImportModule("_signal");
    sigaction(SIGINT, &interrupt, NULL);
    Py_XDECREF(module);
    /* The first thread that imports threading counts as the main thread. */
    PyObject *threading = module ? PyImport_ImportModule("threading") : NULL;
    Py_XDECREF(threading);
    return threading ? NULL : "its standard library is not complete";
}

typedef struct {
    sem_t done;
    const char *error;
} Start;

/* Python's main thread in the host's process waits for `quit`; the exit of that process waits for `ended`. */
static sem_t quit, ended;
static pid_t process;

static void run_exit_handlers(void)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *module = PyImport_ImportModule("resty_ffi._exit");
    PyObject *done = module ? PyObject_CallMethod(module, "end_process", NULL) : NULL;
    if (!done)
        PyErr_Print();
    Py_XDECREF(done);
    Py_XDECREF(module);
    PyGILState_Release(gil);
}

/*
 * Python's main thread in the host's process. It never ends and has nothing to do until the process exits. The thread
 * of libffi_init cannot be the main thread: the host may give it up. When it ends, the system may give its identity to
 * another thread, and Python would let that one set signal handlers.
 */
static void *main_thread(void *argument)
{
    Start *s = argument;
    pthread_setname_np(pthread_self(), "ffi-python");
    s->error = start();
    bool failed = s->error != NULL;
    if (!failed)
        PyEval_SaveThread();
    sem_post(&s->done); /* s is invalid from here on */
    if (failed)
        return NULL;
    while (sem_wait(&quit) != 0)
        continue;
    run_exit_handlers();
    sem_post(&ended);
    for (;;)
        pause();
}

/* At the exit of the host's process. */
static void at_exit(void)
{
    if (getpid() != process)
        return; /* a forked child has no other threads */
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += EXIT_SECONDS;
    sem_post(&quit);
    while (sem_timedwait(&ended, &until) != 0 && errno == EINTR)
        continue;
}

/* At the exit of a runtime's own process, where the exit handlers have usually run by now. */
static void at_own_exit(void)
{
    if (getpid() == process)
        run_exit_handlers();
}

static const char *start_in_thread(void)
{
    Start s = {.error = NULL};
    pthread_t thread;
    sem_init(&quit, 0, 0);
    sem_init(&ended, 0, 0);
    sem_init(&s.done, 0, 0);
    if (pthread_create(&thread, NULL, main_thread, &s) != 0) {
        sem_destroy(&s.done);
        return "no thread could be made for it";
    }
    pthread_detach(thread);
    while (sem_wait(&s.done) != 0)
        continue;
    sem_destroy(&s.done);
    if (!s.error)
        atexit(at_exit);
    return s.error;
}

/* In a process of its own Python has the main thread, and ignores the signals that every Python program ignores. */
static const char *start_here(void)
{
    const char *error = start();
    if (error)
        return error;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    PyEval_SaveThread();
    atexit(at_own_exit);
    return NULL;
}

static const char *start_once(void)
{
    /* Extension modules need libpython's symbols, and the host opened this library, and so libpython, with RTLD_LOCAL.
     */
    if (!dlopen(PYTHON_SONAME, RTLD_NOW | RTLD_GLOBAL))
        return dlerror();
    if (Py_IsInitialized())
        return NULL;
    process = getpid();
    return interpreter_owns_process() ? start_here() : start_in_thread();
}

int interpreter_start(const char **why)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool tried;
    static const char *error;
    pthread_mutex_lock(&lock);
    if (!tried) {
        error = start_once();
        tried = true; /* a start that failed half-way cannot be repeated */
    }
    *why = error;
    pthread_mutex_unlock(&lock);
    return error ? -1 : 0;
}
