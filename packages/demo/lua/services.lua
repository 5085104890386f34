-- Real services through resty.ffi.kafka, resty.ffi.etcd and resty.ffi.grpc: what the page /services shows live.

local clock = require "clock"
local etcd = require "resty.ffi.etcd"
local grpc = require "resty.ffi.grpc"
local json = require "json"
local kafka = require "resty.ffi.kafka"
local resty_ffi = require "resty.ffi"

local now = clock.now

local TOPIC = "demo"
local PREFIX = "/demo/"
local ECHO = "/grpc.examples.echo.Echo/BidirectionalStreamingEcho"
local TICK = 0.5 -- seconds between two messages of the gRPC stream
local PATIENCE = 1 -- seconds to wait for something before looking whether the worker is to end

local _M = {}

local services -- by name: { address, about, client, error }

-- A client; throws what is wrong with its options.
local function made(client, _, err)
    return assert(client, err)
end

-- addresses: { kafka = "127.0.0.1:9092", … }; errors: why one is not there, by the same names.
function _M.setup(addresses, errors)
    services = {
        kafka = { about = "resty.ffi.kafka: franz-go, in Go" },
        etcd = { about = "resty.ffi.etcd: the official client, in Go" },
        grpc = { about = "resty.ffi.grpc: tonic, in Rust" },
    }
    for name, service in pairs(services) do
        service.address, service.error = addresses[name], errors[name]
    end
    if addresses.kafka then
        services.kafka.client = made(kafka.producer{ brokers = { addresses.kafka }, auto_create = true })
    end
    if addresses.etcd then
        services.etcd.client = made(etcd.new{ endpoints = { addresses.etcd } })
    end
    if addresses.grpc then
        services.grpc.client = made(grpc.new{ addresses = addresses.grpc })
    end
end

-- What the page knows of each service before it uses it.
function _M.list()
    local list = {}
    for k, name in ipairs{ "kafka", "etcd", "grpc" } do
        local service = services[name]
        list[k] = { name = name, about = service.about, address = service.address, error = service.error }
    end
    ngx.header["Content-Type"] = "application/json"
    ngx.print(json.encode(list))
end

local function answer(started, ok, res, err)
    ngx.header["Content-Type"] = "application/json"
    if not ok then
        ngx.status = 502
        return ngx.print(json.encode{ code = res, error = err })
    end
    res.us = (now() - started) * 1e6
    ngx.print(json.encode(res))
end

local function body()
    ngx.req.read_body()
    return ngx.req.get_body_data() or ""
end

local put = {}

function put.kafka(client, text)
    local started = now()
    local ok, res, err = client:send(TOPIC, nil, text)
    return answer(started, ok, ok and { text = "partition " .. res.partition .. ", offset " .. res.offset } or res, err)
end

function put.etcd(client, text)
    local started = now()
    local ok, res, err = client:put(PREFIX .. "message", text)
    return answer(started, ok, ok and { text = "revision " .. res.revision } or res, err)
end

function put.grpc(client, name)
    local started = now()
    local ok, res, err = client:unary("/helloworld.Greeter/SayHello", { name = name })
    return answer(started, ok, ok and { text = res.message } or res, err)
end

local function event(name, data)
    return ngx.print("event: ", name, "\ndata: ", json.encode(data), "\n\n") and ngx.flush(true)
end

-- Sends what `receive` gives as events, until the browser disconnects or the worker must end. A pause without events
-- is not an error.
local function follow(receive)
    while not ngx.worker.exiting() do
        local ok, res, err = receive(PATIENCE)
        local sent
        if ok and res then
            sent = event("message", res)
        elseif ok then
            return event("problem", { error = "the stream has ended" })
        elseif res == resty_ffi.TIMEOUT then
            sent = ngx.print(": nothing yet\n\n") and ngx.flush(true)
        else
            return event("problem", { code = res, error = err })
        end
        if not sent then
            return
        end
    end
end

local events = {}

function events.kafka(service)
    local consumer, code, err = kafka.consumer{
        brokers = { service.address },
        group = "page " .. ngx.var.connection .. "." .. now(),
        topics = { TOPIC },
        from = "latest",
    }
    if not consumer then
        return event("problem", { code = code, error = err })
    end
    follow(function(seconds)
        local ok, record, message = consumer:recv(seconds)
        return ok, ok and { text = record.value, where = "offset " .. record.offset } or record, message
    end)
    consumer:close()
end

function events.etcd(service)
    local watch, code, err = service.client:watch{ key = PREFIX, prefix = true }
    if not watch then
        return event("problem", { code = code, error = err })
    end
    local waiting = {}
    follow(function(seconds)
        if #waiting == 0 then
            local ok, res, message = watch:recv(seconds)
            if not ok or not res then
                return ok, res, message
            end
            waiting = res.events
        end
        local first = table.remove(waiting, 1)
        return true, { text = first.kv.value or "", where = first.type .. ", revision " .. first.kv.mod_revision }
    end)
    watch:close()
end

-- Sends a message every half second; its return shows how long it took.
function events.grpc(service)
    local stream, reason, err = service.client:stream(ECHO)
    if not stream then
        return event("problem", { code = reason, error = err })
    end
    local count = 0
    follow(function()
        if count > 0 then
            ngx.sleep(TICK)
        end
        count = count + 1
        local started = now()
        local sent, code, message = stream:send({ message = "tick " .. count })
        if not sent then
            return false, code, message
        end
        local got, res
        got, res, message = stream:recv()
        if not got or not res then
            return got, res, message
        end
        return true, { text = res.message, where = ("%.0f µs"):format((now() - started) * 1e6) }
    end)
    stream:close()
end

local function service_of(name, actions)
    local service = services[name]
    if not service or not actions[name] then
        ngx.status = 404
        ngx.say("there is no such service")
    elseif service.error or not service.address then
        ngx.status = 503
        ngx.say(service.error or "it is not running")
    else
        return service
    end
end

-- POST /services/NAME: stores the body.
function _M.put(name)
    local service = service_of(name, put)
    if service then
        return put[name](service.client, body())
    end
end

-- GET /services/NAME/events: server-sent events, for as long as the browser listens.
function _M.events(name)
    local service = service_of(name, events)
    if service then
        ngx.header["Content-Type"] = "text/event-stream"
        ngx.header["X-Accel-Buffering"] = "no"
        return events[name](service)
    end
end

return _M
