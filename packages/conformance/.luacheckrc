std = "ngx_lua+luajit"
max_line_length = 120
ignore = { "14./ngx" } -- ngx.load_ffi is ours to set
