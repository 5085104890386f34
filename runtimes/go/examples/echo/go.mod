module github.com/resty-ffi/resty-ffi/runtimes/go/examples/echo

go 1.24.0

require github.com/resty-ffi/resty-ffi/runtimes/go v0.1.0
