-- A transaction of a Kafka producer. It is a stream of resty.ffi, so it ends with the request that began it.

local status = require "resty.ffi.status"

local setmetatable = setmetatable

local BAD_ARGUMENT, TIMEOUT, UNLOADED = status.BAD_ARGUMENT, status.TIMEOUT, status.UNLOADED
local SECONDS = 5 -- of a step without a timeout of its own
local SPARE = 1 -- seconds more that Lua waits, so that the answer of the runtime arrives

---A transaction.
---@class resty.ffi.kafka.Transaction
---@field code integer|nil of the first failure
---@field message string|nil of the first failure
local Transaction = {}
Transaction.__index = Transaction

local _M = {}

-- A transaction; nil, code, message. `request` and `wrong` check records, as they do for the producer.
function _M.begin(client, request, wrong, opts)
    local stream, code, err = client:stream("transaction", {})
    if not stream then
        return nil, code, err
    end
    local ok, begun
    local seconds = client.timeout or SECONDS
    ok, begun, err = stream:recv(opts and opts.timeout or seconds)
    if not ok or not begun then
        stream:close()
        if begun == TIMEOUT then
            err = "another transaction of this transactional_id has not ended yet"
        end
        return nil, begun, err
    end
    return setmetatable({ stream = stream, seconds = seconds, request = request, wrong = wrong }, Transaction)
end

-- Remembers the first failure: a program that throws the code loses the message.
local function failed(self, code, message)
    if not self.code then
        self.code, self.message = code, message
    end
    return code, message
end

-- The answer to a step. true, answer | false, code, message.
local function take(self, step, opts)
    if self.ended then
        return false, UNLOADED, "the transaction has ended"
    elseif self.busy then
        return false, BAD_ARGUMENT, "another light thread is using the transaction"
    end
    step.timeout = opts and opts.timeout or self.seconds
    self.busy = true
    local ok, answer, err = self.stream:send(step, step.timeout + SPARE)
    if ok then
        ok, answer, err = self.stream:recv(step.timeout + SPARE)
    end
    self.busy = false
    if not ok or not answer then
        self:abort()
        return false, failed(self, answer or UNLOADED, err or "the transaction has ended")
    elseif answer.code then
        return false, failed(self, answer.code, answer.message)
    end
    return true, answer
end

---Sends a record. After a failure the transaction can only be aborted.
---@param topic string
---@param key? string
---@param value? string
---@param opts? resty.ffi.kafka.SendOptions
---@return boolean ok
---@return resty.ffi.kafka.Sent|integer sent the code if it failed
---@return string|nil message
function Transaction:send(topic, key, value, opts)
    local record, call_opts = self.request(topic, key, value, opts)
    if not record then
        return false, BAD_ARGUMENT, call_opts
    end
    local ok, answer, err = take(self, { records = { record } }, call_opts)
    if not ok then
        return false, answer, err
    end
    local sent = answer.sent[1]
    if sent.code then
        return false, failed(self, sent.code, sent.message)
    end
    return true, sent
end

---Sends a list of records. A record that fails makes the transaction fail.
---@param records resty.ffi.kafka.NewRecord[]
---@param opts? resty.ffi.CallOptions
---@return boolean ok
---@return resty.ffi.kafka.Sent[]|integer sent the code if it failed
---@return string|nil message
function Transaction:send_all(records, opts)
    local wrong = self.wrong(records, opts)
    if wrong then
        return false, BAD_ARGUMENT, wrong
    elseif #records == 0 then
        return true, {}
    end
    local ok, answer, err = take(self, { records = records }, opts)
    if not ok then
        return false, answer, err
    end
    return true, answer.sent
end

---Commits the transaction. If that fails it is aborted, unless the message says that this is not known.
---@param opts? resty.ffi.CallOptions
---@return boolean ok
---@return integer|nil code
---@return string|nil message
function Transaction:commit(opts)
    local ok, code, err = take(self, { commit = true }, opts)
    self.ended = true
    self.stream:close()
    if not ok then
        return false, code, err
    end
    return true
end

---Aborts the transaction: consumers with `read_committed` do not see its records.
---@return true
function Transaction:abort()
    self.ended = true
    self.stream:close()
    return true
end

return _M
