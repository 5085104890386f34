/*
 * libffi_java.so: loads Java classes as runtimes of resty-ffi. What its files share.
 *
 * There can be one JVM in a process. It is created at the first load and serves every runtime from then on.
 */
#ifndef LOADER_H
#define LOADER_H

#include <jni.h>

#include "resty_ffi.h"

#define LOADER_OLDEST_JAVA 17

/* What went wrong, as one line of text. */
struct trouble {
    char text[4096];
};

void trouble_set(struct trouble *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void trouble_add(struct trouble *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Writes the path of the libjvm.so to use into path: that of home (the setting java_home), if not NULL. 0, or -1 and a
 * text that names every place searched.
 */
int jvm_find(const char *home, char *path, size_t size, struct trouble *t);

/* The options to create the JVM with: ours, then JAVA_OPTS. Returns how many, or -1. They live as long as the JVM. */
int jvm_options(const char *sdk_jar, JavaVMOption *out, int max, struct trouble *t);

/* The JVM, created at the first call; of home, if not NULL. NULL and a text if no JVM can be created. Any thread. */
JavaVM *jvm_get(const char *home, struct trouble *t);

/* Calls Loader.load in the JVM on the calling thread, which it attaches and detaches. */
int jvm_load(JavaVM *vm, const char *cfg, resty_ffi_queue *q, struct trouble *t);

/* Finds the classes of the SDK and binds their native methods. On the thread that created the JVM. */
int classes_bind(JNIEnv *env, const char *sdk_jar, struct trouble *t);

/* Native methods of the SDK's classes. */
extern const JNINativeMethod queue_methods[];
extern const int queue_method_count;
extern const JNINativeMethod version1_methods[];
extern const int version1_method_count;

/* Around the creation of the JVM, on the thread that creates it: UTF-8 for the JVM, and the host keeps its locale. */
void locale_enter(void);
void locale_leave(void);

/* The rest of the life of the JVM's main thread: it runs what a program ends with, when the process ends. */
void end_wait(JNIEnv *env);
/* The JVM has run all that, whoever began it. Returns if it is to end the process itself. */
void end_reached(void);

/* Makes the JVM's signal handlers run on the alternate stack of threads that have one, such as Go's. */
void signals_share(void);

#endif
