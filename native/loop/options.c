/* The options of a load: their defaults, and whether two loads of the same key agree. */
#include "options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { FLAG, NUMBER, MILLISECONDS, BYTES, TEXT, LIST, SETTINGS };

static const struct option {
    char name[20];
    enum kind kind;
    size_t at;
    uint32_t standard; /* when it is not given */
} options[] = {
    {"isolate", FLAG, offsetof(resty_ffi_options, isolate), 0},
    {"workers", NUMBER, offsetof(resty_ffi_options, workers), 1},
    {"limits.memory", BYTES, offsetof(resty_ffi_options, memory), 0},
    {"limits.files", NUMBER, offsetof(resty_ffi_options, files), 0},
    {"limits.cpus", NUMBER, offsetof(resty_ffi_options, cpus), 0},
    {"user", TEXT, offsetof(resty_ffi_options, user), 0},
    {"env", LIST, offsetof(resty_ffi_options, env), 0},
    {"dicts", LIST, offsetof(resty_ffi_options, dicts), 0},
    {"timeout", MILLISECONDS, offsetof(resty_ffi_options, timeout_ms), 5000},
    {"max_queue", NUMBER, offsetof(resty_ffi_options, max_queue), 65536},
    {"restart", FLAG, offsetof(resty_ffi_options, restart), 1},
    {"load_timeout", MILLISECONDS, offsetof(resty_ffi_options, load_timeout_ms), 30000},
    {"drain_timeout", MILLISECONDS, offsetof(resty_ffi_options, drain_ms), 30000},
    {"watch", FLAG, offsetof(resty_ffi_options, watch), 0},
    {"is_global", FLAG, offsetof(resty_ffi_options, global), 0},
    {"unpin", FLAG, offsetof(resty_ffi_options, unpin), 0},
    {"", SETTINGS, offsetof(resty_ffi_options, settings), 0},
};

#define OPTIONS (sizeof options / sizeof *options)

size_t rf_options_list_size(const char *list)
{
    size_t len = 0;
    while (list[len])
        len += strlen(list + len) + 1;
    return len + 1;
}

static char *put_bytes(char **at, const char *from, size_t size)
{
    char *to = *at;
    memcpy(to, from, size);
    *at += size;
    return to;
}

resty_ffi_options *rf_options_copy(const resty_ffi_options *o)
{
    size_t user = o->user ? strlen(o->user) + 1 : 0, env = o->env ? rf_options_list_size(o->env) : 0;
    size_t settings = o->settings ? rf_options_list_size(o->settings) : 0,
           dicts = o->dicts ? rf_options_list_size(o->dicts) : 0;
    resty_ffi_options *copy = malloc(sizeof *copy + user + env + settings + dicts);
    if (!copy)
        return NULL;
    char *at = (char *)(copy + 1);
    *copy = *o;
    copy->user = user ? put_bytes(&at, o->user, user) : NULL;
    copy->env = env ? put_bytes(&at, o->env, env) : NULL;
    copy->settings = settings ? put_bytes(&at, o->settings, settings) : NULL;
    copy->dicts = dicts ? put_bytes(&at, o->dicts, dicts) : NULL;
    return copy;
}

static uint64_t number_of(const resty_ffi_options *o, const struct option *option)
{
    const char *at = (const char *)o + option->at;
    return option->kind == FLAG    ? *(const uint8_t *)at
           : option->kind == BYTES ? *(const uint64_t *)(const void *)at
                                   : *(const uint32_t *)(const void *)at;
}

static const char *text(const resty_ffi_options *o, const struct option *option)
{
    return *(const char *const *)(const void *)((const char *)o + option->at);
}

void rf_options_complete(resty_ffi_options *o)
{
    for (size_t k = 0; k < OPTIONS; k++) {
        char *at = (char *)o + options[k].at;
        uint32_t standard = options[k].standard;
        if (options[k].kind == FLAG)
            *(uint8_t *)at = *(uint8_t *)at == RESTY_FFI_UNSAID ? (uint8_t)standard : *(uint8_t *)at == RESTY_FFI_YES;
        else if ((options[k].kind == NUMBER || options[k].kind == MILLISECONDS) && *(uint32_t *)(void *)at == 0)
            *(uint32_t *)(void *)at = standard;
    }
}

static void show_number(enum kind kind, uint64_t value, char *out, size_t size)
{
    if (kind == FLAG)
        snprintf(out, size, "%s", value ? "true" : "false");
    else if (value == 0 || (kind == MILLISECONDS && value == RESTY_FFI_FOREVER))
        snprintf(out, size, "none");
    else if (kind == MILLISECONDS)
        snprintf(out, size, "%.10g s", (double)value / 1000);
    else
        snprintf(out, size, "%" PRIu64, value);
}

static void show_text(const char *value, char *out, size_t size)
{
    snprintf(out, size, value ? "\"%.200s\"" : "none", value);
}

/* { "A", "B=..." }: values are left out, since they may be secrets. */
static void show_list(const char *list, char *out, size_t size)
{
    size_t len = 0;
    for (const char *at = list; at && *at && len + 60 < size; at += strlen(at) + 1) {
        int name = (int)strcspn(at, "=");
        const char *rest = at[name] ? "=..." : name > 40 ? "..." : "";
        int n = snprintf(out + len, size - len, "%s\"%.*s%s\"", len ? ", " : "{ ", name < 40 ? name : 40, at, rest);
        len += n > 0 ? (size_t)n : 0;
    }
    snprintf(out + len, size - len, "%s", len ? " }" : list ? "{}" : "none");
}

static bool same_list(const char *a, const char *b)
{
    size_t size = rf_options_list_size(b);
    return a ? rf_options_list_size(a) == size && memcmp(a, b, size) == 0 : size == 1;
}

static const char *setting(const char *list, const char *name)
{
    for (const char *at = list; at && *at; at += strlen(at) + 1) {
        const char *value = at + strlen(at) + 1;
        if (strcmp(at, name) == 0)
            return value;
        at = value;
    }
    return NULL;
}

/* The settings are a list of names, each with its value. */
static bool settings_differ(const char *have, const char *given, char *out, size_t size)
{
    char before[260], after[260];
    for (const char *name = given; name && *name;) {
        const char *value = name + strlen(name) + 1, *old = setting(have, name);
        if (!old || strcmp(old, value) != 0) {
            show_text(old, before, sizeof before);
            show_text(value, after, sizeof after);
            snprintf(out, size, "%.60s = %s, not %s", name, before, after);
            return true;
        }
        name = value + strlen(value) + 1;
    }
    return false;
}

/*
 * env = {} gives a child no variable at all, unlike a missing env. For the other lists, empty and missing are the same.
 */
static bool list_differs(const struct option *option, const char *have, const char *given)
{
    bool none_is_empty = option->at != offsetof(resty_ffi_options, env);
    return given && ((!have && !none_is_empty) || !same_list(have, given));
}

static bool differs(const struct option *option, const resty_ffi_options *have, const resty_ffi_options *given,
                    char *out, size_t size)
{
    char before[400], after[400];
    if (option->kind == SETTINGS)
        return settings_differ(have->settings, given->settings, out, size);
    if (option->kind == TEXT || option->kind == LIST) {
        const char *old = text(have, option), *new = text(given, option);
        if (option->kind == LIST ? !list_differs(option, old, new) : !new || (old && strcmp(old, new) == 0))
            return false;
        (option->kind == LIST ? show_list : show_text)(old, before, sizeof before);
        (option->kind == LIST ? show_list : show_text)(new, after, sizeof after);
    } else {
        uint64_t old = number_of(have, option), new = number_of(given, option);
        if (new == 0 || old == (option->kind == FLAG ? new == RESTY_FFI_YES : new))
            return false;
        show_number(option->kind, old, before, sizeof before);
        show_number(option->kind, option->kind == FLAG ? new == RESTY_FFI_YES : new, after, sizeof after);
    }
    snprintf(out, size, "%s = %s, not %s", option->name, before, after);
    return true;
}

bool rf_options_differ(const resty_ffi_options *have, const resty_ffi_options *given, char *out, size_t size)
{
    for (size_t k = 0; k < OPTIONS; k++)
        if (differs(&options[k], have, given, out, size))
            return true;
    return false;
}
