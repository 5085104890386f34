/* What runtimes write into the host's log. Loop's thread, but for what says otherwise. */
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

/* What a runtime logs, within limits; and what its process prints. */
void rf_logging_frame(struct rf_instance *i, const struct rf_slot *s);
void rf_logging_output(struct rf_instance *i);
/* A line of the core's own about a runtime. */
void rf_logging_line(struct rf_instance *i, int level, const char *text, size_t len);
/* A line about a one-way call that failed. */
void rf_logging_failure(struct rf_instance *i, const char *text, size_t len);
void rf_logging_add(struct rf_instance *i, int level, const char *text, size_t len);
void rf_logging_free(struct rf_instance *i);

#endif
