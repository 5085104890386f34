-- resty.ffi.kafka: a client of Kafka, franz-go in libffi_kafka.so.
--
--     local kafka = require "resty.ffi.kafka"
--     local producer = kafka.producer{ brokers = { "127.0.0.1:9092" }, compression = "zstd" }
--     local ok, res, err = producer:send("orders", "key", "value", { headers = { kind = "new" } })
--     -- true, { topic, partition, offset } | false, code, message
--
--     local consumer = kafka.consumer{ brokers = { "127.0.0.1:9092" }, group = "billing", topics = { "orders" } }
--     local ok, record = consumer:recv()     -- true, { topic, partition, offset, timestamp, key, value, headers }
--     consumer:commit(record)                -- dealt with, and those before it
--     consumer:close()
--
-- Everything else is in docs/kafka.md.

local client = require "resty.ffi.client"
local consumer = require "resty.ffi.kafka.consumer"
local options = require "resty.ffi.kafka.options"
local producer = require "resty.ffi.kafka.producer"

local type = type

local _M = {
    UNREACHABLE = 1001, -- no broker can be reached, or speaks; the client goes on trying
}

local library = client.library("ffi_kafka")

-- The options of ngx.load_ffi for libffi_kafka.so, such as isolate, before its first use.
function _M.setup(opts)
    if type(opts) == "table" and opts.workers ~= nil and opts.workers ~= 1 then
        return nil, "the option \"workers\" must be 1: a consumer is in one process, and its commits have to go there"
    end
    return library:setup(opts)
end

-- A producer; nil and a sentence if an option is wrong. Nothing is connected yet.
function _M.producer(opts)
    local checked, err = options.of_producer(opts)
    if not checked then
        return nil, err
    end
    local handle
    handle, err = library:client(checked)
    return handle and producer.new(handle), err
end

-- A consumer, which belongs to the request or timer that makes it. nil, code, message if it cannot be made.
function _M.consumer(opts)
    return consumer.new(library, opts)
end

return _M
