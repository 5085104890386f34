module github.com/resty-ffi/resty-ffi/packages/bench/echo-server

go 1.24
