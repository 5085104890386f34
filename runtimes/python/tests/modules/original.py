"""A module as it was written for the original's loader: its own cffi, its own thread, version 1 of the interface."""

import threading
from typing import Any

from cffi import FFI  # type: ignore[import-untyped]

ffi = FFI()
ffi.cdef("""
void *malloc(size_t);
void *memcpy(void *dest, const void *src, size_t n);
void *ngx_http_lua_ffi_task_poll(void *p);
char *ngx_http_lua_ffi_get_req(void *tsk, int *len);
void ngx_http_lua_ffi_respond(void *tsk, int rc, char *rsp, int rsp_len);
""")
C = ffi.dlopen(None)


class State:
    def __init__(self, cfg: Any) -> None:
        self.cfg = cfg

    def respond(self, task: Any, rc: Any, data: Any) -> None:
        res = C.malloc(len(data) + 1)
        C.memcpy(res, data + b"\0", len(data) + 1)  # a length of 0 means a C string
        C.ngx_http_lua_ffi_respond(task, rc, res, len(data))

    def poll(self, tq: Any) -> None:
        length = ffi.new("int *")
        while True:
            task = C.ngx_http_lua_ffi_task_poll(ffi.cast("void*", tq))
            if task == ffi.NULL:
                break
            req = C.ngx_http_lua_ffi_get_req(task, length)
            if req == ffi.NULL:
                C.ngx_http_lua_ffi_respond(task, 0, ffi.NULL, 0)
                continue
            data = bytes(ffi.buffer(req, length[0]))
            if data == b"cfg":
                self.respond(task, 0, self.cfg)
            elif data == b"fail":
                self.respond(task, 7, b"failed")
            else:
                self.respond(task, 0, data)


def init(cfg: Any, tq: Any) -> Any:
    text = b"none" if cfg == 0 else ffi.string(ffi.cast("char*", cfg))
    if text == b"refuse":
        return 5
    st = State(text)
    t = threading.Thread(target=st.poll, args=(tq,))
    t.daemon = True
    t.start()
    return 0
