std = "ngx_lua+luajit"
max_line_length = 120
read_globals = { ngx = { fields = { "load_ffi" }, other_fields = true } }
