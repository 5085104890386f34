#include "check.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_CASES 64

static struct {
    const char *name;
    void (*run)(void);
} cases[MAX_CASES];
static int case_count;

/*
 * What the core keeps by design for as long as the process lives: the records of version-1 queues, which their threads
 * may touch at any time. How much that is: unload.c.
 */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:rf_instance_new\nleak:new_task\n"
           "leak:ngx_http_lua_ffi_task_poll\n";
}

void check_register(const char *name, void (*test)(void))
{
    cases[case_count].name = name;
    cases[case_count++].run = test;
}

void check_failed(const char *file, int line, const char *format, ...)
{
    va_list args;
    const char *slash = strrchr(file, '/');
    fprintf(stderr, "%s:%d: ", slash ? slash + 1 : file, line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    _exit(1);
}

void check_int(const char *file, int line, const char *what, long long got, long long want)
{
    if (got != want)
        check_failed(file, line, "%s is %lld, not %lld", what, got, want);
}

void check_text(const char *file, int line, const char *what, const char *got, const char *want)
{
    if (!got || strcmp(got, want) != 0)
        check_failed(file, line, "%s is \"%s\", not \"%s\"", what, got ? got : "(null)", want);
}

void check_has(const char *file, int line, const char *what, const char *got, const char *part)
{
    if (!got || !strstr(got, part))
        check_failed(file, line, "%s is \"%s\", without \"%s\"", what, got ? got : "(null)", part);
}

uint64_t check_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void check_sleep(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

uint64_t check_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int check_descriptors(void)
{
    int n = -1; /* the one that reads the folder */
    DIR *d = opendir("/proc/self/fd");
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

long check_resident_kb(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%*s %ld", &pages) != 1)
        check_failed(__FILE__, __LINE__, "/proc/self/statm cannot be read");
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int argc, char **argv)
{
    int ran = 0;
    for (int k = 0; k < case_count; k++) {
        if (argc > 1 && strcmp(argv[1], cases[k].name) != 0)
            continue;
        printf("%s\n", cases[k].name);
        fflush(stdout);
        alarm(CHECK_SECONDS);
        cases[k].run();
        ran++;
    }
    if (!ran)
        fprintf(stderr, "no such case\n");
    return ran ? 0 : 2;
}
