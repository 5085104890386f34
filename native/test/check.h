/*
 * The frame of every test program: cases that register themselves, and checks that end the process.
 *
 *     TEST(two_and_two) { CHECK_INT(2 + 2, 4); }
 *
 * program CASE runs one case, program alone runs all of them. A case that takes longer than CHECK_SECONDS is killed.
 */
#ifndef RF_CHECK_H
#define RF_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#ifndef CHECK_SECONDS
#define CHECK_SECONDS 60
#endif
/* The most that something quick takes, on a machine that has other things to do. */
#define CHECK_QUICK_MS 8000

/* Slow, and with memory of its own: a sanitizer or an emulator. */
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__ || defined CHECK_EMULATED
#define CHECK_SANITIZED 1
#else
#define CHECK_SANITIZED 0
#endif

#define TEST(name)                                                                                                     \
    static void name(void);                                                                                            \
    __attribute__((constructor)) static void register_##name(void)                                                     \
    {                                                                                                                  \
        check_register(#name, name);                                                                                   \
    }                                                                                                                  \
    static void name(void)

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, "%s", #condition))
#define CHECK_INT(got, want) check_int(__FILE__, __LINE__, #got, (long long)(got), (long long)(want))
#define CHECK_TEXT(got, want) check_text(__FILE__, __LINE__, #got, got, want)
/* got contains part. */
#define CHECK_HAS(got, part) check_has(__FILE__, __LINE__, #got, got, part)
/* condition becomes true within ms; looked at every millisecond. */
#define CHECK_SOON(condition, ms)                                                                                      \
    do {                                                                                                               \
        uint64_t check_end = check_now() + (ms);                                                                       \
        while (!(condition)) {                                                                                         \
            if (check_now() > check_end)                                                                               \
                check_failed(__FILE__, __LINE__, "within %d ms: %s", (int)(ms), #condition);                           \
            check_sleep(1);                                                                                            \
        }                                                                                                              \
    } while (0)

void check_register(const char *name, void (*test)(void));
__attribute__((noreturn, format(printf, 3, 4))) void check_failed(const char *file, int line, const char *format, ...);
void check_int(const char *file, int line, const char *what, long long got, long long want);
void check_text(const char *file, int line, const char *what, const char *got, const char *want);
void check_has(const char *file, int line, const char *what, const char *got, const char *part);

uint64_t check_now(void); /* ms, monotonic */
void check_sleep(int ms);
/* The next number of a sequence that depends on *state only. */
uint64_t check_random(uint64_t *state);
/* Of this process: open descriptors, and resident memory in KB. */
int check_descriptors(void);
long check_resident_kb(void);

#endif
