-- The methods of a producer of resty.ffi.kafka.

local check = require "resty.ffi.check"
local options = require "resty.ffi.kafka.options"
local status = require "resty.ffi.status"
local transaction = require "resty.ffi.kafka.transaction"

local ipairs, pcall, setmetatable, tostring, type = ipairs, pcall, setmetatable, tostring, type

local BAD_ARGUMENT, BAD_PHASE, THREW = status.BAD_ARGUMENT, status.BAD_PHASE, status.THREW

---A producer. Its functions take `timeout` among their options: the seconds that they wait, 5 by default.
---@class resty.ffi.kafka.Producer
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

-- The record and the options of the call; nil and an error message if one is wrong.
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

-- An error message if a list of records or the options of the call are wrong.
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

---Where a record was stored. Of `send_all` also why it was not: `code` and `message`.
---@class resty.ffi.kafka.Sent
---@field topic? string
---@field partition? integer
---@field offset? integer -1 without an acknowledgement
---@field code? integer
---@field message? string

---Sends a record and waits until the brokers have it.
---@param topic string
---@param key? string nil is not the empty string
---@param value? string nil is not the empty string
---@param opts? resty.ffi.kafka.SendOptions
---@return boolean ok
---@return resty.ffi.kafka.Sent|integer sent the code if it failed
---@return string|nil message
function Producer:send(topic, key, value, opts)
    local record, call_opts = request(topic, key, value, opts)
    if not record then
        return refused(call_opts)
    end
    return self.client:call("send", record, call_opts)
end

---Puts a record into the buffer of the producer, in any phase. In a phase that cannot wait, such as `log_by_lua`, it
---returns at once. The error log has later failures.
---@param topic string
---@param key? string
---@param value? string
---@param opts? resty.ffi.kafka.SendOptions
---@return boolean ok
---@return integer|nil code
---@return string|nil message
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

---Sends a list of records and waits for all of them.
---@param records resty.ffi.kafka.NewRecord[]
---@param opts? resty.ffi.CallOptions
---@return boolean ok
---@return resty.ffi.kafka.Sent[]|integer sent the code if it failed
---@return string|nil message
function Producer:send_all(records, opts)
    local err = wrong(records, opts)
    if err then
        return refused(err)
    elseif #records == 0 then
        return true, {}
    end
    return self.client:call("send_all", { records = records }, opts)
end

---Begins a transaction. It waits for the one before with the same `transactional_id`. What is not committed is aborted
---at the end of the request or timer.
---@param opts? resty.ffi.CallOptions
---@return resty.ffi.kafka.Transaction|nil
---@return integer|nil code
---@return string|nil message
function Producer:begin(opts)
    local err = opts and check.options(opts, options.CALL)
    if err then
        return nil, BAD_ARGUMENT, err
    end
    return transaction.begin(self.client, request, wrong, opts)
end

---Calls a function with a transaction. It is committed when the function returns, and aborted when the function throws
---or returns `false, code, message`, and when a record has failed.
---@param f fun(tx: resty.ffi.kafka.Transaction): any
---@param opts? resty.ffi.CallOptions
---@return boolean ok
---@return any result what the function returned, or the code if it failed
---@return string|nil message
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

---Waits until the buffer is empty.
---@param opts? resty.ffi.CallOptions
---@return boolean ok
---@return integer|nil code
---@return string|nil message
function Producer:flush(opts)
    return self.client:call("flush", {}, opts)
end

---A topic and the number of its partitions.
---@class resty.ffi.kafka.Topic
---@field topic string
---@field partitions integer

---Creates a topic. Returns when the brokers know it.
---@param topic string
---@param opts? resty.ffi.kafka.TopicOptions
---@return boolean ok
---@return resty.ffi.kafka.Topic|integer topic the code if it failed
---@return string|nil message
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

---Deletes a topic.
---@param topic string
---@param opts? resty.ffi.CallOptions
---@return boolean ok
---@return integer|nil code
---@return string|nil message
function Producer:delete_topic(topic, opts)
    return self.client:call("delete_topic", { topic = topic }, opts)
end

---Lists the topics.
---@param opts? resty.ffi.CallOptions
---@return boolean ok
---@return resty.ffi.kafka.Topic[]|integer topics the code if it failed
---@return string|nil message
function Producer:topics(opts)
    return self.client:call("topics", {}, opts)
end

---Lists the offsets of each partition: `{ partition, start, next, committed }`. `next` is the offset of the next
---record, `committed` that of the group, -1 without one.
---@param topic string
---@param group? string
---@param opts? resty.ffi.CallOptions
---@return boolean ok
---@return table[]|integer offsets the code if it failed
---@return string|nil message
function Producer:offsets(topic, group, opts)
    return self.client:call("offsets", { topic = topic, group = group }, opts)
end

---Makes this object refuse further calls. The connections are closed `idle_timeout` seconds after the last use by any
---producer with the same options.
---@return true
function Producer:close()
    return self.client:close()
end

return _M
