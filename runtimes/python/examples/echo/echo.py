"""Answers with what it is sent. ngx.load_ffi("ffi_python3", "echo,app,") with this folder in PYTHONPATH."""

import resty_ffi

app = resty_ffi.Runtime()


@app.method
def echo(req: bytes | None) -> bytes | None:
    return req


@app.default
def hello(req: bytes | None, ctx: resty_ffi.Context) -> str:
    return f"hello from {ctx.method}"
