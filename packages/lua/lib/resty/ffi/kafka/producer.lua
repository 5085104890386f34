-- What a producer of resty.ffi.kafka can do.

local check = require "resty.ffi.check"
local options = require "resty.ffi.kafka.options"
local status = require "resty.ffi.status"
local transaction = require "resty.ffi.kafka.transaction"

local ipairs, pcall, setmetatable, tostring, type = ipairs, pcall, setmetatable, tostring, type

local BAD_ARGUMENT, BAD_PHASE, THREW = status.BAD_ARGUMENT, status.BAD_PHASE, status.THREW

local Producer = {}
Producer.__index = Producer

local _M = {}

-- A producer of a handle that `resty.ffi.client` made.
function _M.new(handle)
    return setmetatable({ client = handle }, Producer)
end

local function refused(err)
    return false, BAD_ARGUMENT, err
end

local function with_timeout(opts)
    return opts and opts.timeout and { timeout = opts.timeout } or nil
end

-- The record and the options of the call, or nil and a sentence.
local function request(topic, key, value, opts)
    local err = opts and check.options(opts, options.SEND)
    if err then
        return nil, err
    end
    local record = { topic = topic, key = key, value = value }
    err = check.options(record, options.RECORD)
    if err then
        return nil, "the record: " .. err
    end
    if not opts then
        return record
    end
    record.headers, record.partition, record.timestamp = opts.headers, opts.partition, opts.timestamp
    return record, with_timeout(opts)
end

-- What is wrong with a list of records and the options of the call; nil if nothing is.
local function wrong(records, opts)
    local err = opts and check.options(opts, options.CALL)
    if err then
        return err
    elseif type(records) ~= "table" then
        return "the records must be a list, not a " .. type(records)
    end
    for k, record in ipairs(records) do
        err = check.options(record, options.RECORD)
        if err then
            return "record " .. k .. ": " .. err
        end
    end
end

-- Waits until the brokers have the record. true, { topic, partition, offset } | false, code, message.
function Producer:send(topic, key, value, opts)
    local record, call_opts = request(topic, key, value, opts)
    if not record then
        return refused(call_opts)
    end
    return self.client:call("send", record, call_opts)
end

-- Returns when the record is in the producer's buffer; at once in a phase that cannot wait, such as log_by_lua. What
-- becomes of it is in the error log if it fails.
function Producer:enqueue(topic, key, value, opts)
    local record, call_opts = request(topic, key, value, opts)
    if not record then
        return refused(call_opts)
    end
    local ok, code, err = self.client:call("enqueue", record, call_opts)
    if code == BAD_PHASE then
        return self.client:send("enqueue", record, call_opts)
    end
    return ok, code, err
end

-- Sends a list of { topic, key, value, headers, partition, timestamp } and waits for all of them. true, and a list of
-- { topic, partition, offset } or { code, message } | false, code, message.
function Producer:send_all(records, opts)
    local err = wrong(records, opts)
    if err then
        return refused(err)
    elseif #records == 0 then
        return true, {}
    end
    return self.client:call("send_all", { records = records }, opts)
end

-- Begins a transaction, which ends with the request or timer that began it: aborted, unless it is committed. It waits
-- for one that this producer has begun before. nil, code, message if it cannot.
function Producer:begin(opts)
    local err = opts and check.options(opts, options.CALL)
    if err then
        return nil, BAD_ARGUMENT, err
    end
    return transaction.begin(self.client, request, wrong, opts)
end

-- Calls f with a transaction: committed when it returns, aborted if it throws or returns false, code, message.
-- true, what f returns | false, code, message.
function Producer:transaction(f, opts)
    if type(f) ~= "function" then
        return refused("a transaction needs a function, not a " .. type(f))
    end
    local tx, code, err = self:begin(opts)
    if not tx then
        return false, code, err
    end
    local done, result, failure, message = pcall(f, tx)
    if done and result ~= false then
        local ok
        ok, code, err = tx:commit(opts)
        if ok then
            return true, result
        end
        return false, code, err
    end
    tx:abort()
    if done then
        return false, failure, message
    elseif tx.code then
        return false, tx.code, "the transaction is aborted: " .. tx.message
    end
    return false, THREW, "the transaction is aborted: " .. tostring(result)
end

-- Waits until nothing is left to be sent.
function Producer:flush(opts)
    return self.client:call("flush", {}, opts)
end

-- true, { topic, partitions } | false, code, message. Numbers that are not given are the brokers' defaults.
function Producer:create_topic(topic, opts)
    local err = opts and check.options(opts, options.TOPIC)
    if err then
        return refused(err)
    end
    opts = opts or {}
    return self.client:call("create_topic", {
        topic = topic,
        partitions = opts.partitions,
        replication_factor = opts.replication_factor,
        configs = opts.configs,
    }, with_timeout(opts))
end

function Producer:delete_topic(topic, opts)
    return self.client:call("delete_topic", { topic = topic }, opts)
end

-- true, a list of { topic, partitions } | false, code, message.
function Producer:topics(opts)
    return self.client:call("topics", {}, opts)
end

-- true, a list of { partition, start, next, committed } | false, code, message. `next` is the offset that the next
-- record gets; `committed` is the group's, -1 if it has none.
function Producer:offsets(topic, group, opts)
    return self.client:call("offsets", { topic = topic, group = group }, opts)
end

function Producer:close()
    return self.client:close()
end

return _M
