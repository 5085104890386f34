"""ngx.load_ffi("ffi_python3", "echo,app,") with this folder in PYTHONPATH."""

import resty_ffi

app = resty_ffi.Runtime()


@app.method
def echo(req):
    return req
