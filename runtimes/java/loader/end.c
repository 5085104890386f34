/*
 * The JVM ends with its process: shutdown hooks run, File.deleteOnExit deletes. System.exit does that on the JVM's main
 * thread. It then calls back instead of ending the process, and the thread that ends the process continues.
 */
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "loader.h"

/* How long the hooks may take: nginx kills a worker that has not ended one second after the signal. */
#define BOUND_MS 1000

static _Atomic enum { RUNNING, ENDING, ENDED } state;
static sem_t wanted;
static pid_t owner; /* a process that was forked from this one has no JVM thread */

/* An exit handler: of nginx's worker, of resty-ffi-run. */
static void end(void)
{
    int running = RUNNING;
    if (getpid() != owner || !atomic_compare_exchange_strong(&state, &running, ENDING))
        return;
    sem_post(&wanted);
    for (int ms = 0; ms < BOUND_MS && atomic_load(&state) != ENDED; ms++)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
}

void end_wait(JNIEnv *env)
{
    owner = getpid();
    if (sem_init(&wanted, 0, 0) || atexit(end))
        return;
    while (sem_wait(&wanted))
        ;
    jclass system = (*env)->FindClass(env, "java/lang/System");
    jmethodID leave = system ? (*env)->GetStaticMethodID(env, system, "exit", "(I)V") : NULL;
    if (leave)
        (*env)->CallStaticVoidMethod(env, system, leave, 0);
}

void end_reached(void)
{
    if (atomic_exchange(&state, ENDED) == RUNNING)
        return;
    for (;;)
        pause();
}
