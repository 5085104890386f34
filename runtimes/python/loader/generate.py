"""Writes the C source of the loader: cffi's embedding code with loader.c in it. Usage: generate.py OUTPUT"""

import sys

import cffi

builder = cffi.FFI()
builder.embedding_api("")
builder.cdef('extern "Python" int resty_ffi_python_load(void *);')
builder.cdef('extern "Python" void resty_ffi_python_main(void);')
builder.set_source("_resty_ffi_loader", '#include "loader.c"')
builder.embedding_init_code("""
    from _resty_ffi_loader import ffi
    from resty_ffi import _load

    @ffi.def_extern(error=1)
    def resty_ffi_python_load(queue):
        return _load.load(int(ffi.cast("uintptr_t", queue)))

    @ffi.def_extern()
    def resty_ffi_python_main():
        _load.main()
""")
builder.emit_c_code(sys.argv[1])
