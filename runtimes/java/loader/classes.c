#include <string.h>

#include "loader.h"

static jclass loader;
static jmethodID load;

static int bind(JNIEnv *env, const char *name, const JNINativeMethod *methods, int n, const char *sdk_jar,
                struct trouble *t)
{
    jclass c = (*env)->FindClass(env, name);
    if (c && (*env)->RegisterNatives(env, c, methods, n) == JNI_OK)
        return 0;
    (*env)->ExceptionClear(env);
    trouble_set(t, "%s and libffi_java.so are not of the same version: class %s does not fit", sdk_jar, name);
    return -1;
}

int classes_bind(JNIEnv *env, const char *sdk_jar, struct trouble *t)
{
    if (bind(env, "io/github/restyffi/NativeQueue", queue_methods, queue_method_count, sdk_jar, t))
        return -1;
    if (bind(env, "io/github/restyffi/Version1", version1_methods, version1_method_count, sdk_jar, t))
        return -1;
    jclass c = (*env)->FindClass(env, "io/github/restyffi/Loader");
    if (c)
        load = (*env)->GetStaticMethodID(env, c, "load", "([BJ)I");
    if (load)
        loader = (*env)->NewGlobalRef(env, c);
    if (loader)
        return 0;
    (*env)->ExceptionClear(env);
    trouble_set(t, "%s and libffi_java.so are not of the same version: class Loader does not fit", sdk_jar);
    return -1;
}

static int call_load(JNIEnv *env, const char *cfg, resty_ffi_queue *q, struct trouble *t)
{
    jbyteArray text = NULL;
    if (cfg) {
        jsize n = (jsize)strlen(cfg);
        text = (*env)->NewByteArray(env, n);
        if (text)
            (*env)->SetByteArrayRegion(env, text, 0, n, (const jbyte *)cfg);
    }
    jint rc = (*env)->ExceptionCheck(env) ? 1 : (*env)->CallStaticIntMethod(env, loader, load, text, (jlong)q);
    if ((*env)->ExceptionCheck(env)) {
        (*env)->ExceptionClear(env);
        trouble_set(t, "the Java heap is too small to load a runtime: raise it with JAVA_OPTS=-Xmx...");
        rc = 1;
    }
    return rc;
}

int jvm_load(JavaVM *vm, const char *cfg, resty_ffi_queue *q, struct trouble *t)
{
    JNIEnv *env;
    JavaVMAttachArgs args = {.version = JNI_VERSION_10, .name = "ffi-java-load"};
    if ((*vm)->AttachCurrentThreadAsDaemon(vm, (void **)&env, &args) != JNI_OK) {
        trouble_set(t, "the thread that loads the runtime cannot attach to the JVM");
        return 1;
    }
    int rc = call_load(env, cfg, q, t);
    (*vm)->DetachCurrentThread(vm);
    return rc;
}
