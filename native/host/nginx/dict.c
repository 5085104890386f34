/* A runtime's requests to a lua_shared_dict, through the functions that lua-resty-core uses. */
#include "dict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../channel/export.h"
#include "nginx.h"
#include "resty_ffi.h"
#include "subsystem.h"

/* Types of values: Lua's. */
#define NIL 0
#define BOOLEAN 1
#define NUMBER 3
#define STRING 4

/* Ways of storing: ngx_lua's. */
#define SET 0
#define ADD 1

static char buffer[4096]; /* holds the last answer; a longer one is malloc'ed by nginx and kept in longer */
static char *longer;

static void nginx_dict_fail(struct resty_ffi_dict_answer *a, const char *text)
{
    *a = (struct resty_ffi_dict_answer){RESTY_FFI_BAD_ARGUMENT, text, strlen(text)};
}

static void answer_number(struct resty_ffi_dict_answer *a, double number)
{
    int len = snprintf(buffer, sizeof buffer, "%.17g", number);
    *a = (struct resty_ffi_dict_answer){0, buffer, (size_t)len};
}

static void get(const struct rf_nginx_subsystem *s, void *zone, const struct resty_ffi_dict_request *r,
                struct resty_ffi_dict_answer *a)
{
    int type = NIL, flags = 0, stale = 0;
    char *text = buffer, *error = "the shared dict failed";
    size_t len = sizeof buffer;
    double number = 0;
    free(longer);
    longer = NULL;
    if (s->dict_get(zone, r->key, r->key_len, &type, &text, &len, &number, &flags, 0, &stale, &error) != 0) {
        nginx_dict_fail(a, error);
        return;
    }
    if (text != buffer)
        longer = text;
    if (type == STRING)
        *a = (struct resty_ffi_dict_answer){0, text, len};
    else if (type == NUMBER)
        answer_number(a, number);
    else if (type == BOOLEAN)
        *a = text[0] ? (struct resty_ffi_dict_answer){0, "true", 4} : (struct resty_ffi_dict_answer){0, "false", 5};
}

static void incr(const struct rf_nginx_subsystem *s, void *zone, const struct resty_ffi_dict_request *r,
                 struct resty_ffi_dict_answer *a)
{
    char text[64], *end, *error = "the shared dict failed";
    int forcible = 0;
    if (r->value_len == 0 || r->value_len >= sizeof text) {
        nginx_dict_fail(a, "not a number");
        return;
    }
    memcpy(text, r->value, r->value_len);
    text[r->value_len] = 0;
    double value = strtod(text, &end);
    if (*end)
        nginx_dict_fail(a, "not a number");
    else if (s->dict_incr(zone, r->key, r->key_len, &value, &error, 1, 0, (long)r->ttl_ms, &forcible) != 0)
        nginx_dict_fail(a, error);
    else
        answer_number(a, value);
}

struct zone {
    struct zone *next;
    void *zone;
    char name[];
};
static struct zone *zones; /* of this worker; never freed: nginx's zones live as long as it */

API int resty_ffi_nginx_set_dict(int subsystem, const char *name, void *userdata)
{
    const struct rf_nginx_subsystem *s = rf_nginx_subsystem(subsystem);
    void *zone = s->dict_zone ? s->dict_zone(userdata) : userdata;
    for (struct zone *z = zones; z; z = z->next)
        if (strcmp(z->name, name) == 0) {
            z->zone = zone;
            return 1;
        }
    struct zone *z = malloc(sizeof *z + strlen(name) + 1);
    if (!z)
        return 0;
    strcpy(z->name, name);
    z->zone = zone;
    z->next = zones;
    zones = z;
    return 1;
}

static void store(const struct rf_nginx_subsystem *s, void *zone, const struct resty_ffi_dict_request *r,
                  struct resty_ffi_dict_answer *a)
{
    char *error = "the shared dict failed";
    int forcible = 0, type = r->op == RESTY_FFI_DICT_DELETE ? NIL : STRING;
    int how = r->op == RESTY_FFI_DICT_ADD ? ADD : SET;
    if (s->dict_store(zone, how, r->key, r->key_len, type, r->value, r->value_len, 0, (long)r->ttl_ms, 0, &error,
                      &forcible) == 0) {
        if (how == ADD)
            *a = (struct resty_ffi_dict_answer){0, r->value, r->value_len};
    } else if (how != ADD || strcmp(error, "exists") != 0) {
        nginx_dict_fail(a, error);
    }
}

void rf_nginx_dict_serve(void *subsystem, const struct resty_ffi_dict_request *r, struct resty_ffi_dict_answer *a)
{
    const struct rf_nginx_subsystem *s = subsystem;
    struct zone *z = zones;
    while (z && strcmp(z->name, r->zone) != 0)
        z = z->next;
    if (!z)
        nginx_dict_fail(a, "there is no such lua_shared_dict");
    else if (!s->dict_get || !s->dict_store || !s->dict_incr)
        nginx_dict_fail(a, "this nginx does not offer its shared dicts: ngx_lua 0.10.13 or newer is needed");
    else if (r->op == RESTY_FFI_DICT_GET)
        get(s, z->zone, r, a);
    else if (r->op == RESTY_FFI_DICT_INCR)
        incr(s, z->zone, r, a);
    else if (r->op == RESTY_FFI_DICT_SET || r->op == RESTY_FFI_DICT_DELETE || r->op == RESTY_FFI_DICT_ADD)
        store(s, z->zone, r, a);
    else
        nginx_dict_fail(a, "no such operation");
}
