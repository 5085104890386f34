#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "loader.h"

void trouble_set(struct trouble *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(t->text, sizeof t->text, format, args);
    va_end(args);
}

void trouble_add(struct trouble *t, const char *format, ...)
{
    size_t used = strlen(t->text);
    va_list args;
    va_start(args, format);
    vsnprintf(t->text + used, sizeof t->text - used, format, args);
    va_end(args);
}
