std = "ngx_lua+luajit"
max_line_length = 120
