/* Requests of runtimes to the shared dicts of their host. */
#include "dict.h"

#include <stdio.h>
#include <string.h>

#include "../channel/block.h"
#include "control.h"
#include "instance.h"
#include "logging.h"

/* The shared dict that a runtime names, if the options allow it: the NUL-terminated name from the options. */
static const char *allowed_dict(const struct rf_instance *i, const char *name, uint64_t len, char *error, size_t size)
{
    const char *list = i->options->dicts;
    if (list && *list && len == 0)
        return list;
    for (const char *at = list; at && *at; at += strlen(at) + 1)
        if (strlen(at) == len && memcmp(at, name, len) == 0)
            return at;
    snprintf(error, size, "runtime \"%s\" may not use %s%.*s%s: name it in the option dicts of ngx.load_ffi", i->name,
             len ? "the shared dict \"" : "a shared dict", (int)(len < 100 ? len : 100), len ? name : "",
             len ? "\"" : "");
    return NULL;
}

void rf_dict_serve(struct rf_instance *i, const struct rf_slot *s)
{
    static const char lost[] =
        "the answer of a shared dict is dropped because no memory is left: the handler does not get it";
    struct rf_channel *c = &i->q.ch;
    struct rf_slot reply = {.id = s->id, .kind = RESTY_FFI_DICT, .flags = RESTY_FFI_END};
    struct resty_ffi_dict_answer answer = {.status = RESTY_FFI_BAD_ARGUMENT};
    char error[320];
    if (i->rt && s->zone <= s->len && s->arg <= s->len - s->zone && s->len && rf_block_valid(c, s->data, s->len)) {
        const char *zone = c->base + s->data, *key = zone + s->zone;
        struct resty_ffi_dict_request r = {.op = (int)s->method,
                                           .zone = allowed_dict(i, zone, s->zone, error, sizeof error),
                                           .key = key,
                                           .key_len = s->arg,
                                           .value = key + s->arg,
                                           .value_len = s->len - s->zone - s->arg,
                                           .ttl_ms = s->deadline};
        if (r.zone) {
            answer.status = 0;
            i->loop->host.dict(i->loop->host.host, &r, &answer);
        } else {
            answer.data = error;
            answer.len = strlen(error);
        }
    }
    rf_block_give(c, s->data);
    reply.status = answer.status;
    if (!answer.data) {
        reply.flags |= RESTY_FFI_NIL;
    } else if ((reply.data = rf_block_take(c, answer.len + 1))) {
        memcpy(c->base + reply.data, answer.data, answer.len);
        reply.len = answer.len;
    } else {
        reply.flags |= RESTY_FFI_NIL;
        reply.status = RESTY_FFI_QUEUE_FULL; /* nil with 0 would mean that the key is missing */
    }
    if (rf_control_try(i, &reply))
        return;
    rf_block_give(c, reply.data);
    rf_logging_line(i, RESTY_FFI_LOG_ALERT, lost, sizeof lost - 1);
}
