/*
 * A Java loader as lua-resty-ffi has one: the JNIEnv of the first libffi_init is kept for all others, and belongs to
 * its thread alone. Also the native methods of resty.FFI. Configuration: class,method,configuration.
 */
#include <jni.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resty_ffi.h"

static JavaVM *vm;
static JNIEnv *env;

static int start(void)
{
    char path[4096];
    const char *class_path = getenv("CLASSPATH");
    snprintf(path, sizeof path, "-Djava.class.path=%s", class_path ? class_path : "");
    JavaVMOption options[] = {{.optionString = path}, {.optionString = "-Xmx32m"}, {.optionString = "-Xrs"}};
    JavaVMInitArgs args = {.version = JNI_VERSION_1_8, .nOptions = 3, .options = options};
    return JNI_CreateJavaVM(&vm, (void **)&env, &args);
}

int libffi_init(char *cfg, void *tq)
{
    if (!vm && start() != JNI_OK)
        return 2;
    char *name = strsep(&cfg, ","), *method = strsep(&cfg, ",");
    for (char *c = name; *c; c++)
        *c = *c == '.' ? '/' : *c;
    jclass class = (*env)->FindClass(env, name);
    jmethodID init = class ? (*env)->GetStaticMethodID(env, class, method, "(Ljava/lang/String;J)I") : NULL;
    jstring text = init ? (*env)->NewStringUTF(env, cfg) : NULL;
    jint rc = text ? (*env)->CallStaticIntMethod(env, class, init, text, (jlong)tq) : 1;
    if ((*env)->ExceptionCheck(env)) {
        (*env)->ExceptionDescribe(env);
        (*env)->ExceptionClear(env);
        rc = 1;
    }
    (*env)->DeleteLocalRef(env, text);
    (*env)->DeleteLocalRef(env, class);
    return rc;
}

JNIEXPORT jlong JNICALL Java_resty_FFI_poll(JNIEnv *e, jclass c, jlong tq)
{
    (void)e, (void)c;
    return (jlong)ngx_http_lua_ffi_task_poll((void *)tq);
}

JNIEXPORT jbyteArray JNICALL Java_resty_FFI_request(JNIEnv *e, jclass c, jlong task)
{
    int len;
    (void)c;
    const char *request = ngx_http_lua_ffi_get_req((void *)task, &len);
    jbyteArray bytes = (*e)->NewByteArray(e, len);
    (*e)->SetByteArrayRegion(e, bytes, 0, len, (const jbyte *)request);
    return bytes;
}

JNIEXPORT void JNICALL Java_resty_FFI_respond(JNIEnv *e, jclass c, jlong task, jint rc, jbyteArray answer)
{
    (void)c;
    jsize len = (*e)->GetArrayLength(e, answer);
    char *copy = malloc((size_t)len);
    (*e)->GetByteArrayRegion(e, answer, 0, len, (jbyte *)copy);
    ngx_http_lua_ffi_respond((void *)task, rc, copy, len);
}
