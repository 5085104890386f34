#include <stdlib.h>
#include <string.h>

#include "loop.h"

size_t rf_list_size(const char *list)
{
    size_t len = 0;
    while (list[len])
        len += strlen(list + len) + 1;
    return len + 1;
}

static char *put(char **at, const char *from, size_t size)
{
    char *to = *at;
    memcpy(to, from, size);
    *at += size;
    return to;
}

resty_ffi_options *rf_options_copy(const resty_ffi_options *o)
{
    size_t user = o->user ? strlen(o->user) + 1 : 0, env = o->env ? rf_list_size(o->env) : 0;
    size_t settings = o->settings ? rf_list_size(o->settings) : 0, dicts = o->dicts ? rf_list_size(o->dicts) : 0;
    resty_ffi_options *copy = malloc(sizeof *copy + user + env + settings + dicts);
    if (!copy)
        return NULL;
    char *at = (char *)(copy + 1);
    *copy = *o;
    copy->user = user ? put(&at, o->user, user) : NULL;
    copy->env = env ? put(&at, o->env, env) : NULL;
    copy->settings = settings ? put(&at, o->settings, settings) : NULL;
    copy->dicts = dicts ? put(&at, o->dicts, dicts) : NULL;
    return copy;
}
