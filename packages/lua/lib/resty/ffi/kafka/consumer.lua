-- The methods of a consumer of resty.ffi.kafka.

local headers = require "resty.ffi.kafka.headers"
local options = require "resty.ffi.kafka.options"
local status = require "resty.ffi.status"

local log, now, null, pid, WARN = ngx.log, ngx.now, ngx.null, ngx.worker.pid, ngx.WARN
local ipairs, next, pairs, remove, setmetatable, type = ipairs, next, pairs, table.remove, setmetatable, type

local BAD_ARGUMENT, TIMEOUT = status.BAD_ARGUMENT, status.TIMEOUT

local _M = {}

---A consumer. It ends with the request or timer that made it.
---@class resty.ffi.kafka.Consumer
local Consumer = {}
Consumer.__index = Consumer

local consumers = 0 -- made in this worker; the number is a part of their ids

-- A consumer of this request or timer; nil, code, message.
function _M.new(library, opts)
    local connection, subscription, timeout = options.of_consumer(opts)
    if not connection then
        return nil, BAD_ARGUMENT, subscription
    end
    local interval = subscription.commit_interval
    consumers = consumers + 1
    subscription.id, subscription.commit_interval = pid() .. "." .. consumers, nil
    local handle, err = library:client(connection, timeout)
    if not handle then
        return nil, BAD_ARGUMENT, err
    end
    local stream, code, message = handle:stream("consume", subscription)
    if not stream then
        return nil, code, message
    end
    return setmetatable({
        client = handle,
        stream = stream,
        id = subscription.id,
        batches = {}, -- lists of records that have arrived, the first of them handed out up to `at`
        at = 0,
        interval = interval,
        done = {}, -- by topic and partition: the last record that was handed out and is not committed
        committed_at = now(),
    }, Consumer)
end

local function present(value)
    if value ~= null then
        return value
    end
end

-- The next record that has arrived, or nil.
---@private
function Consumer:take()
    local batch = self.batches[1]
    if not batch then
        return nil
    end
    self.at = self.at + 1
    local r = batch[self.at]
    if self.at == #batch then
        remove(self.batches, 1)
        self.at = 0
    end
    return {
        topic = r[1],
        partition = r[2],
        offset = r[3],
        timestamp = r[4],
        key = present(r[5]),
        value = present(r[6]),
        headers = headers.of(r[7]),
    }
end

-- Commits the records that were handed out: the caller is done with them, since it asks for more.
---@private
function Consumer:commit_by_itself(at_once)
    if next(self.done) == nil or not at_once and now() - self.committed_at < self.interval then
        return
    end
    local records = {}
    for _, record in pairs(self.done) do
        records[#records + 1] = record
    end
    self.done, self.committed_at = {}, now()
    local ok, _, err = self:commit(records)
    if not ok then
        log(WARN, "kafka: a consumer cannot commit: ", err)
    end
end

-- What keeps the consumer from its brokers: code, message | nil.
---@private
function Consumer:trouble()
    local ok, code, err = self.client:call("trouble", { id = self.id }, { timeout = 1 })
    if not ok and code > 0 then
        return code, err
    end
end

---A record. `headers` is a list of `{ key, value }`.
---@class resty.ffi.kafka.Record
---@field topic string
---@field partition integer
---@field offset integer
---@field timestamp integer milliseconds
---@field key? string
---@field value? string
---@field headers resty.ffi.kafka.Headers

---Receives the next record. After `TIMEOUT` and `UNREACHABLE` the consumer is as before, after any other code it has
---ended.
---@param seconds? number 5 by default; `math.huge` waits until the consumer ends
---@return boolean ok
---@return resty.ffi.kafka.Record|integer record the code if it failed
---@return string|nil message
function Consumer:recv(seconds)
    if self.interval then
        self:commit_by_itself()
    end
    local record = self:take()
    while not record do
        local ok, batch, err = self.stream:recv(seconds)
        if not ok and batch == TIMEOUT then
            local code, reason = self:trouble()
            return false, code or TIMEOUT, reason or err
        elseif not ok or not batch then
            return ok, batch, err
        end
        self.batches[#self.batches + 1] = batch
        record = self:take()
    end
    if self.interval then
        self.done[record.partition .. "/" .. record.topic] = record
    end
    return true, record
end

---Commits a record, or each record of a list, and the records before it in its partition.
---@param record resty.ffi.kafka.Record|resty.ffi.kafka.Record[]
---@param opts? resty.ffi.CallOptions
---@return boolean ok
---@return integer|nil code
---@return string|nil message
function Consumer:commit(record, opts)
    if type(record) ~= "table" then
        return false, BAD_ARGUMENT, "what is committed must be a record or a list of records, not a " .. type(record)
    end
    local places = {}
    for k, r in ipairs(record[1] and record or { record }) do
        places[k] = { topic = r.topic, partition = r.partition, offset = r.offset }
    end
    return self.client:call("commit", { id = self.id, records = places }, opts)
end

---Ends the consumer. It leaves its group, and the other members get its partitions at once.
---@return true
function Consumer:close()
    if self.interval and not self.closed then
        self:commit_by_itself(true)
    end
    self.closed = true
    return self.stream:close()
end

return _M
