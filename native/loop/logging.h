/*
 * What runtimes write into the host's log. For files of this folder on the loop's thread; transports call
 * rf_logging_add on theirs.
 */
#ifndef RF_LOGGING_H
#define RF_LOGGING_H

#include <stddef.h>
#include <stdint.h>

struct rf_instance;
struct rf_slot;

/* Lines of one second, for the limit. */
struct rf_logged {
    uint64_t second;
    uint32_t lines, dropped;
};

struct rf_line {
    struct rf_line *next;
    int level;
    size_t len;
    char text[];
};

/* Logs a LOG frame, and what the child process has printed. */
void rf_logging_frame(struct rf_instance *i, const struct rf_slot *s);
void rf_logging_output(struct rf_instance *i);
/* Logs a line about a runtime, within the same limit. */
void rf_logging_line(struct rf_instance *i, int level, const char *text, size_t len);
/* Logs that a one-way call has failed. */
void rf_logging_failure(struct rf_instance *i, const char *text, size_t len);
void rf_logging_add(struct rf_instance *i, int level, const char *text, size_t len);
void rf_logging_free(struct rf_instance *i);

#endif
