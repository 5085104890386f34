-- resty.ffi.kafka: a client of Kafka, franz-go in libffi_kafka.so.
--
--     local kafka = require "resty.ffi.kafka"
--     local producer = kafka.producer{ brokers = { "127.0.0.1:9092" }, compression = "zstd" }
--     local ok, res, err = producer:send("orders", "key", "value", { headers = { kind = "new" } })
--     -- true, { topic, partition, offset } | false, code, message
--
--     local consumer = kafka.consumer{ brokers = { "127.0.0.1:9092" }, group = "billing", topics = { "orders" } }
--     local ok, record = consumer:recv()     -- true, { topic, partition, offset, timestamp, key, value, headers }
--     consumer:commit(record)                -- this record is done, and those before it in its partition
--     consumer:close()
--
-- Everything else is in docs/kafka.md.

local client = require "resty.ffi.client"
local consumer = require "resty.ffi.kafka.consumer"
local options = require "resty.ffi.kafka.options"
local producer = require "resty.ffi.kafka.producer"
local status = require "resty.ffi.status"

local type = type

---A client of Kafka. docs/kafka.md describes transactions, groups, Kerberos and codes.
---@class resty.ffi.kafka
---@field UNREACHABLE integer code: no broker can be reached or answers, and the client tries again
local _M = {
    UNREACHABLE = 1001,
}

local library = client.library("ffi_kafka")

---Sets the options of `ngx.load_ffi` for libffi_kafka.so, such as `isolate`, before its first use.
---@param opts resty.ffi.LoadOptions `workers` must be 1
---@return true|nil
---@return string|nil message
function _M.setup(opts)
    if type(opts) == "table" and opts.workers ~= nil and opts.workers ~= 1 then
        return nil, "the option \"workers\" must be 1: a consumer is in one process, and its commits have to go there"
    end
    return library:setup(opts)
end

---Makes a producer, in any phase: nothing is connected yet. Producers with the same options share their connections.
---@param opts resty.ffi.kafka.ProducerOptions
---@return resty.ffi.kafka.Producer|nil
---@return integer|nil code
---@return string|nil message
function _M.producer(opts)
    local checked, timeout = options.of_producer(opts)
    if not checked then
        return nil, status.BAD_ARGUMENT, timeout
    end
    local handle, err = library:client(checked, timeout)
    if not handle then
        return nil, status.BAD_ARGUMENT, err
    end
    return producer.new(handle)
end

---Makes a consumer. It ends with the request or timer that made it.
---@param opts resty.ffi.kafka.ConsumerOptions one of `topics`, `pattern` and `partitions`
---@return resty.ffi.kafka.Consumer|nil
---@return integer|nil code
---@return string|nil message
function _M.consumer(opts)
    return consumer.new(library, opts)
end

return _M
