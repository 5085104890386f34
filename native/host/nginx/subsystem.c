#include "subsystem.h"

#include "nginx_abi.h"

static struct rf_nginx_subsystem subsystems[2];

struct rf_nginx_subsystem *rf_nginx_subsystem(int number)
{
    return &subsystems[number != 0];
}

bool rf_nginx_subsystem_find(int number)
{
    struct rf_nginx_subsystem *s = rf_nginx_subsystem(number);
    if (number == 0)
        *s = (struct rf_nginx_subsystem){"http",
                                         ngx_http_lua_ffi_sema_new,
                                         ngx_http_lua_ffi_sema_post,
                                         ngx_http_lua_ffi_sema_count,
                                         ngx_http_lua_ffi_sema_gc,
                                         ngx_http_lua_ffi_raw_log,
                                         ngx_http_lua_ffi_shdict_udata_to_zone,
                                         ngx_http_lua_ffi_shdict_get,
                                         ngx_http_lua_ffi_shdict_store,
                                         ngx_http_lua_ffi_shdict_incr,
                                         ngx_http_cleanup_add,
                                         NULL};
    else
        *s = (struct rf_nginx_subsystem){"stream",
                                         ngx_stream_lua_ffi_sema_new,
                                         ngx_stream_lua_ffi_sema_post,
                                         ngx_stream_lua_ffi_sema_count,
                                         ngx_stream_lua_ffi_sema_gc,
                                         ngx_stream_lua_ffi_raw_log,
                                         ngx_stream_lua_ffi_shdict_udata_to_zone,
                                         ngx_stream_lua_ffi_shdict_get,
                                         ngx_stream_lua_ffi_shdict_store,
                                         ngx_stream_lua_ffi_shdict_incr,
                                         ngx_stream_lua_cleanup_add,
                                         NULL};
    return s->sema_new && s->sema_post && s->sema_count && s->sema_gc && s->raw_log;
}
