"""An echo as for lua-resty-ffi: cffi, a thread that polls, C strings without a length. "config" is answered with the
configuration."""

import threading

from cffi import FFI

ffi = FFI()
ffi.cdef("""
char *strdup(const char *s);
void *ngx_http_lua_ffi_task_poll(void *tq);
char *ngx_http_lua_ffi_get_req(void *tsk, int *len);
void ngx_http_lua_ffi_respond(void *tsk, int rc, char *rsp, int rsp_len);
""")
C = ffi.dlopen(None)


def serve(tq, config):
    while True:
        task = C.ngx_http_lua_ffi_task_poll(ffi.cast("void *", tq))
        if task == ffi.NULL:
            return
        request = C.ngx_http_lua_ffi_get_req(task, ffi.NULL)
        answer = C.strdup(config if ffi.string(request) == b"config" else request)
        C.ngx_http_lua_ffi_respond(task, 0, answer, 0)


def init(cfg, tq):
    config = ffi.string(ffi.cast("char *", cfg))
    threading.Thread(target=serve, args=(tq, config), daemon=True).start()
    return 0
