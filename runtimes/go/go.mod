module github.com/resty-ffi/resty-ffi/runtimes/go

go 1.24.0
