/*
 * Native methods of NativeQueue. Frames cross as longs (eight each, see Frames.java), payloads as byte arrays, one
 * batch per crossing. The request of a call keeps its memory until the call is answered or Java frees it, because an
 * answer that is not longer than its request takes over that memory.
 */
#include <stdlib.h>
#include <string.h>

#include "loader.h"

#define BATCH 64
#define LONGS ((jsize)(sizeof(resty_ffi_frame) / sizeof(jlong)))
#define LONGEST_ARRAY 0x7ffffff7u /* the longest byte[] that every JVM can make */

_Static_assert(sizeof(resty_ffi_frame) == 64, "Frames.java knows the layout");

static jbyteArray array_of(JNIEnv *env, const void *data, uint64_t len)
{
    jbyteArray a = len <= LONGEST_ARRAY ? (*env)->NewByteArray(env, (jsize)len) : NULL;
    if (a) {
        (*env)->SetByteArrayRegion(env, a, 0, (jsize)len, data);
    } else {
        (*env)->ExceptionClear(env); /* the heap is full; the zone of the frame says so */
    }
    return a;
}

static jint poll_frames(JNIEnv *env, jclass c, jlong queue, jlongArray words, jobjectArray payloads, jint timeout)
{
    resty_ffi_queue *q = (resty_ffi_queue *)queue;
    resty_ffi_frame f[BATCH];
    (void)c;
    int n = resty_ffi_poll(q, f, BATCH, timeout);
    if (n <= 0)
        return n;
    for (int i = 0; i < n; i++) {
        f[i].zone = 0;
        if (f[i].len) {
            jbyteArray a = array_of(env, f[i].data, f[i].len);
            if (a) {
                (*env)->SetObjectArrayElement(env, payloads, i, a);
                (*env)->DeleteLocalRef(env, a);
            } else {
                f[i].zone = 1;
            }
        }
        if (f[i].kind != RESTY_FFI_CALL || !f[i].len) {
            resty_ffi_free(q, f[i].data);
            f[i].data = NULL;
        }
    }
    (*env)->SetLongArrayRegion(env, words, 0, n * LONGS, (const jlong *)f);
    return n;
}

/* Copies an answer into payload memory. Without such memory, the core copies from ours, or reports the reason. */
static void *fill(JNIEnv *env, resty_ffi_queue *q, resty_ffi_frame *f, jobjectArray payloads, int i)
{
    void *mine = NULL;
    jbyteArray a = (*env)->GetObjectArrayElement(env, payloads, i);
    if (!f->data)
        f->data = resty_ffi_alloc(q, f->len);
    if (!f->data) {
        f->data = mine = malloc(f->len);
        f->flags |= RESTY_FFI_COPY;
    }
    if (f->data)
        (*env)->GetByteArrayRegion(env, a, 0, (jsize)f->len, f->data);
    (*env)->DeleteLocalRef(env, a);
    return mine;
}

static void send_frames(JNIEnv *env, jclass c, jlong queue, jlongArray words, jobjectArray payloads, jint n)
{
    resty_ffi_queue *q = (resty_ffi_queue *)queue;
    resty_ffi_frame f[BATCH];
    void *mine[BATCH];
    int copied = 0;
    (void)c;
    (*env)->GetLongArrayRegion(env, words, 0, n * LONGS, (jlong *)f);
    for (int i = 0; i < n; i++) {
        void *p = f[i].len ? fill(env, q, &f[i], payloads, i) : NULL;
        if (p)
            mine[copied++] = p;
    }
    resty_ffi_send(q, f, n);
    while (copied)
        free(mine[--copied]);
}

static void free_payload(JNIEnv *env, jclass c, jlong queue, jlong data)
{
    (void)env, (void)c;
    resty_ffi_free((resty_ffi_queue *)queue, (void *)data);
}

static jbyteArray method_name(JNIEnv *env, jclass c, jlong queue, jint number)
{
    size_t len = 0;
    (void)c;
    const char *name = resty_ffi_method((resty_ffi_queue *)queue, (uint32_t)number, &len);
    return name ? array_of(env, name, len) : NULL;
}

static jbyteArray runtime_name(JNIEnv *env, jclass c, jlong queue)
{
    (void)c;
    const char *name = resty_ffi_name((resty_ffi_queue *)queue);
    return name ? array_of(env, name, strlen(name)) : NULL;
}

static jint generation(JNIEnv *env, jclass c, jlong queue)
{
    (void)env, (void)c;
    return (jint)resty_ffi_generation((resty_ffi_queue *)queue);
}

static void fail(JNIEnv *env, jclass c, jlong queue, jbyteArray text)
{
    (void)c;
    jsize n = (*env)->GetArrayLength(env, text);
    char *copy = malloc((size_t)n + 1);
    if (!copy)
        return;
    (*env)->GetByteArrayRegion(env, text, 0, n, (jbyte *)copy);
    resty_ffi_fail((resty_ffi_queue *)queue, copy, (size_t)n);
    free(copy);
}

static jint finish(JNIEnv *env, jclass c, jlong queue, jboolean busy)
{
    (void)env;
    (void)c;
    return (jint)resty_ffi_finish((resty_ffi_queue *)queue, busy == JNI_TRUE);
}

static void close_queue(JNIEnv *env, jclass c, jlong queue)
{
    (void)env, (void)c;
    resty_ffi_close((resty_ffi_queue *)queue);
}

static jint host_abi(JNIEnv *env, jclass c)
{
    (void)env, (void)c;
    return resty_ffi_abi();
}

const JNINativeMethod queue_methods[] = {
    {"poll", "(J[J[[BI)I", (void *)poll_frames}, {"send", "(J[J[[BI)V", (void *)send_frames},
    {"free", "(JJ)V", (void *)free_payload},     {"method", "(JI)[B", (void *)method_name},
    {"name", "(J)[B", (void *)runtime_name},     {"fail", "(J[B)V", (void *)fail},
    {"close", "(J)V", (void *)close_queue},      {"hostAbi", "()I", (void *)host_abi},
    {"generation", "(J)I", (void *)generation},  {"finish", "(JZ)I", (void *)finish},
};
const int queue_method_count = sizeof queue_methods / sizeof *queue_methods;
