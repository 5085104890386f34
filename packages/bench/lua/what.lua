-- What is measured: each function takes a payload and returns true and the same payload. What needs something for each
-- measurement is a table with `prepare`, which returns the function.

local ffi = require "ffi"

local _M = {}

-- On a busy machine a call may wait for a long time; a lost call would wait for ever.
local TIMEOUT = 60

-- A runtime, by the public API.
function _M.runtime(lib, cfg, opts)
    opts.timeout = TIMEOUT
    local rt, err = ngx.load_ffi(lib, cfg, opts)
    if not rt then
        return nil, err
    end
    return function(payload)
        return rt:echo(payload)
    end
end

-- One message each way on a stream that stays open: each light thread has its own.
function _M.stream(lib, cfg, opts)
    opts.timeout = TIMEOUT
    local rt, err = ngx.load_ffi(lib, cfg, opts)
    if not rt then
        return nil, err
    end
    local streams = setmetatable({}, { __mode = "k" })
    return function(payload)
        local running = coroutine.running()
        local stream = streams[running]
        if not stream then
            local code
            stream, code, err = require("resty.ffi").stream(rt, "chat")
            if not stream then
                return false, code, err
            end
            streams[running] = stream
        end
        local ok, code, text = stream:send(payload)
        if not ok then
            return false, code, text
        end
        return stream:recv()
    end
end

-- The same path without a thread: the call is answered between submit and wait, on this one (native/bench/nohop.c).
function _M.no_hop(lib)
    local rt, err = ngx.load_ffi(lib, nil, { max_queue = 1024 })
    if not rt then
        return nil, err
    end
    ffi.cdef "int nohop_answer(void);"
    local answerer = ffi.load(lib)
    local native = require("resty.ffi.native").load()
    local call = require "resty.ffi.call"
    local options = require("resty.ffi.options").load({ max_queue = 1024 })
    local buffer = ffi.new("char[256]")
    local handle = native.resty_ffi_runtime_load(native.resty_ffi_nginx_loop(0), lib, nil, 0, options, buffer, 256)
    local number = native.resty_ffi_runtime_method(handle, "echo", 4)
    local functions = setmetatable({
        resty_ffi_nginx_submit = function(...)
            local code = native.resty_ffi_nginx_submit(...)
            answerer.nohop_answer()
            return code
        end,
    }, { __index = native })
    local own = { C = functions, handle = handle, name = "no-hop", timeout = TIMEOUT }
    return function(payload)
        return call(own, number, payload)
    end
end

-- What people use instead: a cosocket to a server on a unix socket, with keepalive. Four bytes of length, then the
-- payload, both ways (echo-server/main.go).
function _M.unix_socket(path)
    return function(payload)
        local socket = ngx.socket.tcp()
        local ok, err = socket:connect("unix:" .. path)
        if not ok then
            return false, err
        end
        local size = #payload
        local head = string.char(math.floor(size / 16777216) % 256, math.floor(size / 65536) % 256,
                                 math.floor(size / 256) % 256, size % 256)
        ok, err = socket:send({ head, payload })
        if not ok then
            return false, err
        end
        head, err = socket:receive(4)
        if not head then
            return false, err
        end
        local answer
        answer, err = socket:receive(size)
        socket:setkeepalive(60000, 128)
        if not answer then
            return false, err
        end
        return true, answer
    end
end

-- A subrequest that nginx proxies to an HTTP server on a unix socket, with keepalive.
function _M.proxy_pass(location)
    return function(payload)
        local answer = ngx.location.capture(location, { method = ngx.HTTP_POST, body = payload })
        return answer.status == 200, answer.body
    end
end

-- What the clients of real services do for a call: a message to a gRPC server and back.
function _M.grpc(address)
    local grpc = require "resty.ffi.grpc"
    local conn, _, err = grpc.new{ addresses = address }
    if not conn then
        return nil, err
    end
    local options = { timeout = TIMEOUT }
    return function(payload)
        local answered, res, message = conn:unary("/helloworld.Greeter/SayHello", { name = payload }, options)
        if not answered then
            return false, res, message
        end
        return true, res.message:sub(#"Hello " + 1)
    end
end

-- A key of etcd, which the payload was put under when it was first asked for.
function _M.etcd(address)
    local client, _, err = require("resty.ffi.etcd").new{ endpoints = { address } }
    if not client then
        return nil, err
    end
    local stored
    return function(payload)
        if stored ~= payload then
            client:put("bench", payload)
            stored = payload
        end
        local ok, res, message = client:get("bench")
        if not ok then
            return false, res, message
        end
        return true, res.kvs[1].value
    end
end

-- A record that is sent, and acknowledged by the broker.
function _M.kafka_produce(address, topic)
    local producer, _, err = require("resty.ffi.kafka").producer{ brokers = { address }, auto_create = true }
    if not producer then
        return nil, err
    end
    return function(payload)
        local ok, res, message = producer:send(topic, nil, payload)
        if not ok then
            return false, res, message
        end
        return true, payload
    end
end

-- A record of a topic that was filled before. Each measurement has a consumer of its own, which reads from the start.
function _M.kafka_consume(address, topic)
    local kafka = require "resty.ffi.kafka"
    local consumers = 0
    local function prepare()
        consumers = consumers + 1
        local consumer, _, err = kafka.consumer{
            brokers = { address },
            group = "bench " .. ngx.now() .. "." .. consumers,
            topics = { topic },
        }
        local ok, message = false, err
        if consumer then
            ok, _, message = consumer:recv(TIMEOUT) -- the group has been joined
        end
        return ok and function()
            local received, record, text = consumer:recv(TIMEOUT)
            return received, received and record.value or record, text
        end or nil, message
    end
    return { prepare = prepare }
end

return _M
