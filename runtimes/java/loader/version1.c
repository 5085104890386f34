/* Native methods of Version1: the three functions of version 1, for classes that take the queue as a number. */
#include <stdlib.h>

#include "loader.h"

static jlong task_poll(JNIEnv *env, jclass c, jlong tq)
{
    (void)env, (void)c;
    return (jlong)ngx_http_lua_ffi_task_poll((void *)tq);
}

static jbyteArray get_req(JNIEnv *env, jclass c, jlong task)
{
    int len = 0;
    (void)c;
    const char *request = ngx_http_lua_ffi_get_req((void *)task, &len);
    jbyteArray a = request ? (*env)->NewByteArray(env, len) : NULL;
    if (a)
        (*env)->SetByteArrayRegion(env, a, 0, len, (const jbyte *)request);
    return a;
}

static void respond(JNIEnv *env, jclass c, jlong task, jint rc, jbyteArray response)
{
    (void)c;
    jsize len = response ? (*env)->GetArrayLength(env, response) : 0;
    char *copy = response ? malloc((size_t)len + 1) : NULL;
    if (response && !copy) {
        (*env)->ThrowNew(env, (*env)->FindClass(env, "java/lang/OutOfMemoryError"), "no memory for the response");
        return;
    }
    if (copy) {
        (*env)->GetByteArrayRegion(env, response, 0, len, (jbyte *)copy);
        copy[len] = 0; /* a length of 0 means a C string */
    }
    ngx_http_lua_ffi_respond((void *)task, rc, copy, len);
}

const JNINativeMethod version1_methods[] = {
    {"taskPoll", "(J)J", (void *)task_poll},
    {"getRequest", "(J)[B", (void *)get_req},
    {"respond", "(JI[B)V", (void *)respond},
};
const int version1_method_count = sizeof version1_methods / sizeof *version1_methods;
