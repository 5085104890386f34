/*
 * The one JVM of the process. It is created on a thread that stays: one that loads a runtime may be given up, and a JVM
 * takes the thread that created it for its main thread.
 */
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader.h"

enum state { NOT_YET, CREATING, RUNNING, FAILED };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static _Atomic enum state state;
static JavaVM *jvm;
static struct trouble failure;
static char said[2048]; /* what the JVM printed while it was created */
static char jar[PATH_MAX];
static char lib[PATH_MAX];

/* The JVM prints through this. What it says before it runs is the reason why it does not. */
static jint JNICALL on_print(FILE *to, const char *format, va_list args)
{
    if (atomic_load(&state) != CREATING)
        return vfprintf(to, format, args);
    size_t used = strlen(said);
    int n = vsnprintf(said + used, sizeof said - used, format, args);
    for (char *p = said + used; *p; p++) {
        if (*p == '\n')
            *p = ' ';
    }
    return n;
}

static void settle(enum state to)
{
    pthread_mutex_lock(&lock);
    atomic_store(&state, to);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* The JVM ends the process after this, also when it cannot start: then only this thread stops, not the host. */
static void JNICALL on_abort(void)
{
    if (atomic_load(&state) != CREATING)
        return;
    locale_leave();
    trouble_set(&failure, "the JVM %s does not start: %s; see JAVA_OPTS", lib, said);
    settle(FAILED);
    for (;;)
        pause();
}

/* The same for System.exit, which goes on to exit(code) if this returns. */
static void JNICALL on_exit_jvm(jint code)
{
    (void)code;
    on_abort();
    end_reached();
}

static int create(JNIEnv **env)
{
    jint(JNICALL * create_vm)(JavaVM **, void **, void *);
    JavaVMOption options[128] = {
        {.optionString = "vfprintf", .extraInfo = (void *)on_print},
        {.optionString = "exit", .extraInfo = (void *)on_exit_jvm},
        {.optionString = "abort", .extraInfo = (void *)on_abort},
    };
    int n = jvm_options(jar, options + 3, 125, &failure);
    if (n < 0)
        return -1;
    void *handle = dlopen(lib, RTLD_NOW | RTLD_GLOBAL);
    if (!handle) {
        trouble_set(&failure, "the JVM does not load: %s", dlerror());
        return -1;
    }
    *(void **)&create_vm = dlsym(handle, "JNI_CreateJavaVM");
    if (!create_vm) {
        trouble_set(&failure, "%s is not a JVM: %s", lib, dlerror());
        return -1;
    }
    JavaVMInitArgs args = {
        .version = JNI_VERSION_10, .nOptions = n + 3, .options = options, .ignoreUnrecognized = JNI_FALSE};
    locale_enter();
    jint rc = create_vm(&jvm, (void **)env, &args);
    locale_leave();
    if (rc == JNI_OK)
        return 0;
    trouble_set(&failure, "the JVM %s does not start (code %d): %s%s", lib, (int)rc, said,
                rc == JNI_EEXIST ? "another library of this process has created a JVM already" : "; see JAVA_OPTS");
    return -1;
}

static void *live(void *unused)
{
    JNIEnv *env;
    (void)unused;
    pthread_setname_np(pthread_self(), "ffi-java");
    if (create(&env)) {
        settle(FAILED);
        return NULL;
    }
    signals_share();
    if (classes_bind(env, jar, &failure)) {
        settle(FAILED);
    } else {
        settle(RUNNING);
        end_wait(env);
    }
    for (;;)
        pause();
}

/* resty-ffi.jar lies beside this library. */
static int find_jar(struct trouble *t)
{
    Dl_info me;
    char path[PATH_MAX];
    if (!dladdr((void *)find_jar, &me) || !realpath(me.dli_fname, path)) {
        trouble_set(t, "libffi_java.so cannot find its own path");
        return -1;
    }
    *strrchr(path, '/') = 0;
    if (snprintf(jar, sizeof jar, "%s/resty-ffi.jar", path) >= (int)sizeof jar || access(jar, R_OK)) {
        trouble_set(t, "%s/resty-ffi.jar cannot be read: it belongs beside libffi_java.so", path);
        return -1;
    }
    return 0;
}

/* A start that fails before the JVM may be tried again at the next load, once the missing part is installed. */
static int start(const char *home, struct trouble *t)
{
    pthread_t thread;
    if (find_jar(t) || jvm_find(home, lib, sizeof lib, t))
        return -1;
    atomic_store(&state, CREATING);
    int rc = pthread_create(&thread, NULL, live, NULL);
    if (rc) {
        trouble_set(t, "the thread for the JVM does not start: %s", strerror(rc));
        atomic_store(&state, NOT_YET);
        return -1;
    }
    pthread_detach(thread);
    return 0;
}

/* Whether the JVM of the process is that of home. */
static int fits(const char *home, struct trouble *t)
{
    char wanted[PATH_MAX], real_wanted[PATH_MAX], real_lib[PATH_MAX];
    if (!home)
        return 1;
    if (jvm_find(home, wanted, sizeof wanted, t))
        return 0;
    if (realpath(wanted, real_wanted) && realpath(lib, real_lib) && strcmp(real_wanted, real_lib) == 0)
        return 1;
    trouble_set(t,
                "the option java_home is %s, but the JVM of this process is %s, and a process has only one: load "
                "this runtime with isolate = true",
                home, lib);
    return 0;
}

JavaVM *jvm_get(const char *home, struct trouble *t)
{
    JavaVM *vm = NULL;
    pthread_mutex_lock(&lock);
    if (atomic_load(&state) != NOT_YET || start(home, t) == 0) {
        while (atomic_load(&state) == CREATING)
            pthread_cond_wait(&changed, &lock);
        if (atomic_load(&state) == FAILED)
            trouble_set(t, "%s", failure.text);
        else if (fits(home, t))
            vm = jvm;
    }
    pthread_mutex_unlock(&lock);
    return vm;
}
