-- A transaction of a Kafka producer: a stream of resty.ffi, so that whatever becomes of the request that began it, the
-- transaction ends, too.

local status = require "resty.ffi.status"

local setmetatable = setmetatable

local BAD_ARGUMENT, TIMEOUT, UNLOADED = status.BAD_ARGUMENT, status.TIMEOUT, status.UNLOADED
local SECONDS = 5 -- for a step that is not given a time
local SPARE = 1 -- seconds beyond it, for the answer that says so

local Transaction = {}
Transaction.__index = Transaction

local _M = {}

-- A transaction, or nil, code, message. `request` and `wrong` check records, as they do for the producer.
function _M.begin(client, request, wrong, opts)
    local stream, code, err = client:stream("transaction", {})
    if not stream then
        return nil, code, err
    end
    local ok, begun
    ok, begun, err = stream:recv(opts and opts.timeout or SECONDS)
    if not ok or not begun then
        stream:close()
        if begun == TIMEOUT then
            err = "another transaction of this transactional_id has not ended yet"
        end
        return nil, begun, err
    end
    return setmetatable({ stream = stream, request = request, wrong = wrong }, Transaction)
end

-- Remembers the first failure: who throws on a code loses the message.
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
    step.timeout = opts and opts.timeout or SECONDS
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

-- true, { topic, partition, offset } | false, code, message. There is nothing left but to abort after that.
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

-- Like the producer's send_all. What fails fails the transaction, too.
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

-- true | false, code, message: it is aborted then, unless the message says that this is not known.
function Transaction:commit(opts)
    local ok, code, err = take(self, { commit = true }, opts)
    self.ended = true
    self.stream:close()
    if not ok then
        return false, code, err
    end
    return true
end

-- What was sent will not be seen by those who read what is committed.
function Transaction:abort()
    self.ended = true
    self.stream:close()
    return true
end

return _M
