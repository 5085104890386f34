/* stdout and stderr of a child process. For the supervisor's thread. */
#ifndef RF_OUTPUT_H
#define RF_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

struct rf_child;

/* What a child prints: holds the beginning of a line until its end comes. */
struct rf_output {
    int fd; /* the pipe's end to read, -1 = none */
    int level;
    size_t len;
    char text[2000]; /* nginx cuts a line of its log at 2048 */
};

/* Reads what there is, up to a bound; end: also takes an unfinished line. True if there was something. */
bool rf_output_read(struct rf_child *c, bool end);
/* Reads all that a child which has ended has left behind. */
void rf_output_rest(struct rf_child *c);

#endif
