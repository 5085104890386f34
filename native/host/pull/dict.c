#include "dict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../channel/clock.h"
#include "resty_ffi.h"

struct entry {
    struct entry *next;
    uint64_t expires; /* ns, 0 = never */
    size_t key_len, len;
    char *value; /* owned */
    char *zone;  /* owned */
    char key[];
};

/* A list is enough: this dict serves tests and tools with a handful of keys. */
struct rf_pull_dict {
    struct entry *entries;
};

struct rf_pull_dict *rf_pull_dict_new(void)
{
    return calloc(1, sizeof(struct rf_pull_dict));
}

static void remove_entry(struct entry **p)
{
    struct entry *e = *p;
    *p = e->next;
    free(e->value);
    free(e->zone);
    free(e);
}

void rf_pull_dict_free(struct rf_pull_dict *d)
{
    while (d && d->entries)
        remove_entry(&d->entries);
    free(d);
}

static struct entry **find_entry(struct rf_pull_dict *d, const struct resty_ffi_dict_request *r)
{
    uint64_t now = rf_clock_now();
    struct entry **p = &d->entries;
    while (*p) {
        if ((*p)->expires && (*p)->expires <= now)
            remove_entry(p);
        else if ((*p)->key_len == r->key_len && memcmp((*p)->key, r->key, r->key_len) == 0 &&
                 strcmp((*p)->zone, r->zone) == 0)
            break;
        else
            p = &(*p)->next;
    }
    return p;
}

static void pull_dict_fail(struct resty_ffi_dict_answer *a, const char *text)
{
    *a = (struct resty_ffi_dict_answer){RESTY_FFI_BAD_ARGUMENT, text, strlen(text)};
}

static struct entry *set(struct rf_pull_dict *d, const struct resty_ffi_dict_request *r, const char *value, size_t len)
{
    struct entry **p = find_entry(d, r);
    struct entry *e = *p;
    char *copy = malloc(len + 1), *zone = e ? NULL : strdup(r->zone);
    if (!e && copy && zone && (e = calloc(1, sizeof *e + r->key_len))) {
        memcpy(e->key, r->key, r->key_len);
        e->key_len = r->key_len;
        e->zone = zone;
        zone = NULL;
        *p = e;
    }
    free(zone);
    if (!e || !copy) {
        free(copy);
        return NULL;
    }
    memcpy(copy, value, len);
    free(e->value);
    e->value = copy;
    e->len = len;
    return e;
}

static bool read_number(const char *text, size_t len, double *out)
{
    char copy[64], *end;
    if (len == 0 || len >= sizeof copy)
        return false;
    memcpy(copy, text, len);
    copy[len] = 0;
    *out = strtod(copy, &end);
    return *end == 0;
}

static void increment(struct rf_pull_dict *d, const struct resty_ffi_dict_request *r, struct resty_ffi_dict_answer *a)
{
    struct entry *e = *find_entry(d, r);
    double by, is = 0;
    char text[64];
    if (!read_number(r->value, r->value_len, &by) || (e && !read_number(e->value, e->len, &is))) {
        pull_dict_fail(a, "not a number");
        return;
    }
    int len = snprintf(text, sizeof text, "%.17g", is + by);
    bool fresh = !e;
    e = set(d, r, text, (size_t)len);
    if (!e) {
        pull_dict_fail(a, "no memory");
        return;
    }
    if (fresh && r->ttl_ms)
        e->expires = rf_clock_now() + r->ttl_ms * 1000000;
    *a = (struct resty_ffi_dict_answer){0, e->value, e->len};
}

void rf_pull_dict_serve(struct rf_pull_dict *d, const struct resty_ffi_dict_request *r, struct resty_ffi_dict_answer *a)
{
    struct entry **p = find_entry(d, r), *e = *p;
    switch (r->op) {
    case RESTY_FFI_DICT_GET:
        if (e)
            *a = (struct resty_ffi_dict_answer){0, e->value, e->len};
        break;
    case RESTY_FFI_DICT_SET:
        e = set(d, r, r->value, r->value_len);
        if (!e)
            pull_dict_fail(a, "no memory");
        else
            e->expires = r->ttl_ms ? rf_clock_now() + r->ttl_ms * 1000000 : 0;
        break;
    case RESTY_FFI_DICT_ADD:
        if (e)
            break; /* nil: the key was there */
        e = set(d, r, r->value, r->value_len);
        if (!e) {
            pull_dict_fail(a, "no memory");
            break;
        }
        e->expires = r->ttl_ms ? rf_clock_now() + r->ttl_ms * 1000000 : 0;
        *a = (struct resty_ffi_dict_answer){0, e->value, e->len};
        break;
    case RESTY_FFI_DICT_INCR:
        increment(d, r, a);
        break;
    case RESTY_FFI_DICT_DELETE:
        if (e)
            remove_entry(p);
        break;
    default:
        pull_dict_fail(a, "no such operation");
    }
}
