-- What resty.ffi.etcd keeps open: watches, leases that are kept alive, and locks. Each is a stream of the runtime.

local check = require "resty.ffi.check"
local options = require "resty.ffi.etcd.options"
local status = require "resty.ffi.status"

local min, setmetatable, type = math.min, setmetatable, type

local BAD_ARGUMENT, THREW, TIMEOUT = status.BAD_ARGUMENT, status.THREW, status.TIMEOUT

local _M = {}

-- Opens a stream and waits up to `seconds` for its first message. Returns both; nil, code, message.
local function open(handle, method, body, seconds, lifetime)
    body.timeout = seconds - min(seconds / 10, 0.05) -- the runtime gives up a little earlier, and can say why
    local stream, code, err = handle:stream(method, body, lifetime and { timeout = lifetime })
    if not stream then
        return nil, code, err
    end
    local ok, first
    ok, first, err = stream:recv(seconds)
    if ok and first then
        return stream, first
    end
    stream:close()
    return nil, ok and THREW or first, ok and "the stream ended before it began" or err
end

-- The seconds of a wait, which may be given as a table of options with a timeout; an error message if they are wrong.
local function seconds_of(opts, known)
    if type(opts) ~= "table" then
        return opts
    end
    return opts.timeout, check.options(opts, known)
end

---A watch. It ends with the request or timer that opened it.
---@class resty.ffi.etcd.Watch
---@field revision integer the last revision before the watch
local Watch = {}
Watch.__index = Watch

-- A watch, once etcd has created it; nil, code, message.
function _M.watch(handle, what, seconds)
    local stream, first, err = open(handle, "watch", what, seconds, what.timeout)
    if not stream then
        return nil, first, err
    end
    return setmetatable({ stream = stream, revision = first.revision }, Watch)
end

---Events of the watch, in their order.
---@class resty.ffi.etcd.Events
---@field revision integer how far the watch is
---@field events resty.ffi.etcd.Event[] without any it is a notice of progress

---@class resty.ffi.etcd.Event
---@field type "PUT"|"DELETE"
---@field kv resty.ffi.etcd.KeyValue without a value if the key was deleted
---@field prev_kv? resty.ffi.etcd.KeyValue

---Receives the next events. After `TIMEOUT` the watch goes on, after any other code it has ended.
---@param seconds? number 5 by default; `math.huge` waits until the watch ends. Formerly `{ timeout = seconds }`
---@return boolean ok
---@return resty.ffi.etcd.Events|integer events the code if it failed
---@return string|nil message
function Watch:recv(seconds)
    local err
    seconds, err = seconds_of(seconds, options.RECV)
    if err then
        return false, BAD_ARGUMENT, err
    end
    return self.stream:recv(seconds)
end

---Asks etcd how far the watch is: `recv` returns a revision without events, after all events up to it.
---@return boolean ok
---@return integer|nil code
---@return string|nil message
function Watch:progress()
    return self.stream:send({})
end

---Ends the watch.
---@return true
function Watch:close()
    return self.stream:close()
end

---A lease that is kept alive as long as this object is open: until `close`, or the end of the request or timer.
---@class resty.ffi.etcd.KeepAlive
---@field id string
---@field ttl integer seconds
local KeepAlive = {}
KeepAlive.__index = KeepAlive

-- Keeps a lease alive; nil, code, message if the first renewal fails.
function _M.keep_alive(handle, id, seconds)
    local stream, first, err = open(handle, "keep_alive", { id = id }, seconds)
    if not stream then
        return nil, first, err
    end
    return setmetatable({ stream = stream, id = id, ttl = first.ttl }, KeepAlive)
end

---Receives the next renewal. The lease is kept alive without it. Code 5: the lease is gone.
---@param seconds? number 5 by default; `math.huge` waits until the end. Formerly `{ timeout = seconds }`
---@return boolean ok
---@return resty.ffi.etcd.Lease|integer lease the code if it failed
---@return string|nil message
function KeepAlive:recv(seconds)
    return Watch.recv(self, seconds)
end

---Stops keeping the lease alive.
---@return true
function KeepAlive:close()
    return self.stream:close()
end

---A lock that is held. It is free again after `unlock`, and at the end of the request or timer that took it.
---@class resty.ffi.etcd.Lock
---@field key string exists while the lock is held: a comparison with it makes a transaction depend on the lock
---@field revision integer of the moment when the lock was taken
local Lock = {}
Lock.__index = Lock

-- A lock, once it is held; nil, code, message.
function _M.lock(handle, body, seconds)
    local stream, first, err = open(handle, "lock", body, seconds)
    if not stream then
        return nil, first, err
    end
    return setmetatable({ stream = stream, key = first.key, revision = first.revision }, Lock)
end

---Checks whether the lock is held. It is lost when its lease cannot be renewed in time.
---@return boolean held
---@return integer|nil code
---@return string|nil message
function Lock:held()
    local ok, code, err = self.stream:recv(0.001)
    if code == TIMEOUT then
        return true
    elseif ok then
        return false, THREW, "the lock is not held any more"
    end
    return false, code, err
end

---Frees the lock. Returns when it is free for others.
---@param opts? resty.ffi.CallOptions
---@return boolean ok
---@return integer|nil code
---@return string|nil message
function Lock:unlock(opts)
    local seconds, wrong = seconds_of(opts, options.CALL)
    if wrong then
        return false, BAD_ARGUMENT, wrong
    end
    local ok, code, err = self.stream:close_send()
    if ok then
        ok, code, err = self.stream:recv(seconds)
    end
    self.stream:close()
    if not ok then
        return false, code, err
    end
    return true
end

return _M
