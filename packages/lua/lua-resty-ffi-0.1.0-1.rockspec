package = "lua-resty-ffi"
version = "0.1.0-1"
source = {
    url = "git+https://github.com/resty-ffi/resty-ffi.git",
    tag = "v0.1.0",
    dir = "resty-ffi/packages/lua",
}
description = {
    summary = "Call functions written in Go, Rust, Python, Java and Node.js from stock nginx, without blocking it",
    detailed = [[
        The Lua side of resty-ffi. It needs libresty_ffi.so, which is built from the folder native/ of the same
        repository, on lua_package_cpath or LD_LIBRARY_PATH.
    ]],
    homepage = "https://github.com/resty-ffi/resty-ffi",
    license = "Apache-2.0",
}
dependencies = { "lua >= 5.1" }
build = {
    type = "builtin",
    modules = {
        ["resty_ffi"] = "lib/resty_ffi.lua",
        ["resty.ffi"] = "lib/resty/ffi.lua",
        ["resty.ffi.call"] = "lib/resty/ffi/call.lua",
        ["resty.ffi.check"] = "lib/resty/ffi/check.lua",
        ["resty.ffi.client"] = "lib/resty/ffi/client.lua",
        ["resty.ffi.client.stream"] = "lib/resty/ffi/client/stream.lua",
        ["resty.ffi.connection"] = "lib/resty/ffi/connection.lua",
        ["resty.ffi.constants"] = "lib/resty/ffi/constants.lua",
        ["resty.ffi.etcd"] = "lib/resty/ffi/etcd.lua",
        ["resty.ffi.etcd.client"] = "lib/resty/ffi/etcd/client.lua",
        ["resty.ffi.etcd.options"] = "lib/resty/ffi/etcd/options.lua",
        ["resty.ffi.etcd.streams"] = "lib/resty/ffi/etcd/streams.lua",
        ["resty.ffi.etcd.txn"] = "lib/resty/ffi/etcd/txn.lua",
        ["resty.ffi.file"] = "lib/resty/ffi/file.lua",
        ["resty.ffi.grpc"] = "lib/resty/ffi/grpc.lua",
        ["resty.ffi.grpc.files"] = "lib/resty/ffi/grpc/files.lua",
        ["resty.ffi.grpc.options"] = "lib/resty/ffi/grpc/options.lua",
        ["resty.ffi.kafka"] = "lib/resty/ffi/kafka.lua",
        ["resty.ffi.kafka.consumer"] = "lib/resty/ffi/kafka/consumer.lua",
        ["resty.ffi.kafka.headers"] = "lib/resty/ffi/kafka/headers.lua",
        ["resty.ffi.kafka.options"] = "lib/resty/ffi/kafka/options.lua",
        ["resty.ffi.kafka.producer"] = "lib/resty/ffi/kafka/producer.lua",
        ["resty.ffi.kafka.transaction"] = "lib/resty/ffi/kafka/transaction.lua",
        ["resty.ffi.lists"] = "lib/resty/ffi/lists.lua",
        ["resty.ffi.metrics"] = "lib/resty/ffi/metrics.lua",
        ["resty.ffi.msgpack"] = "lib/resty/ffi/msgpack.lua",
        ["resty.ffi.native"] = "lib/resty/ffi/native.lua",
        ["resty.ffi.options"] = "lib/resty/ffi/options.lua",
        ["resty.ffi.request"] = "lib/resty/ffi/request.lua",
        ["resty.ffi.send"] = "lib/resty/ffi/send.lua",
        ["resty.ffi.status"] = "lib/resty/ffi/status.lua",
        ["resty.ffi.stream"] = "lib/resty/ffi/stream.lua",
        ["resty.ffi.grpc.options"] = "lib/resty/ffi/grpc/options.lua",
        ["resty.ffi_kafka"] = "lib/resty/ffi_kafka.lua",
    },
}
