-- What a consumer of resty.ffi.kafka can do.

local headers = require "resty.ffi.kafka.headers"
local options = require "resty.ffi.kafka.options"
local status = require "resty.ffi.status"

local log, now, null, pid, WARN = ngx.log, ngx.now, ngx.null, ngx.worker.pid, ngx.WARN
local ipairs, next, pairs, remove, setmetatable, type = ipairs, next, pairs, table.remove, setmetatable, type

local BAD_ARGUMENT, TIMEOUT = status.BAD_ARGUMENT, status.TIMEOUT

local _M = {}

local Consumer = {}
Consumer.__index = Consumer

local consumers = 0 -- made in this worker: they are told apart by their number

-- A consumer, which belongs to the request or timer that makes it. nil, code, message if it cannot be made.
function _M.new(library, opts)
    local connection, subscription = options.of_consumer(opts)
    if not connection then
        return nil, BAD_ARGUMENT, subscription
    end
    local interval = subscription.commit_interval
    consumers = consumers + 1
    subscription.id, subscription.commit_interval = pid() .. "." .. consumers, nil
    local handle, err = library:client(connection)
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
        dealt_with = {}, -- by topic and partition: the last record that was handed out and is not committed
        committed_at = now(),
    }, Consumer)
end

local function present(value)
    if value ~= null then
        return value
    end
end

-- The next record that has arrived, or nil.
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

-- Commits what was handed out, all of which has been dealt with: the caller asks for more.
function Consumer:commit_by_itself(at_once)
    if next(self.dealt_with) == nil or not at_once and now() - self.committed_at < self.interval then
        return
    end
    local records = {}
    for _, record in pairs(self.dealt_with) do
        records[#records + 1] = record
    end
    self.dealt_with, self.committed_at = {}, now()
    local ok, _, err = self:commit(records)
    if not ok then
        log(WARN, "kafka: what a consumer has dealt with cannot be committed: ", err)
    end
end

-- What keeps the consumer from its brokers: code, message | nil.
function Consumer:trouble()
    local ok, code, err = self.client:call("trouble", { id = self.id }, { timeout = 1 })
    if not ok and code > 0 then
        return code, err
    end
end

-- The next record. true, record | false, code, message; after TIMEOUT and UNREACHABLE the consumer is as before.
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
        self.dealt_with[record.partition .. "/" .. record.topic] = record
    end
    return true, record
end

-- Notes that a record, or each record of a list, has been dealt with, and those before it in its partition.
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

-- Leaves the group, if it is in one: others get its partitions at once.
function Consumer:close()
    if self.interval and not self.closed then
        self:commit_by_itself(true)
    end
    self.closed = true
    return self.stream:close()
end

return _M
