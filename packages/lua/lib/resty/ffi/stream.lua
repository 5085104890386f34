-- Streams: many messages in both directions of one call.
--
--     local stream, code, err = resty_ffi.stream(rt, "watch", "key", { timeout = 60 })
--     stream:send("more")                   -- true | false, code, message; waits while the window is used up
--     stream:close_send()                   -- nothing more will be sent
--     local ok, message = stream:recv()     -- true, message | true, nil (the end) | false, code, message
--     stream:close()
--
-- Several light threads may use one stream. It ends with the request or timer that opened it.

local constants = require "resty.ffi.constants"
local ffi = require "ffi"
local get_request = require "resty.ffi.request"
local options = require "resty.ffi.options"
local semaphore = require "ngx.semaphore"
local status = require "resty.ffi.status"

local ffi_str, ffi_gc, ffi_cast = ffi.string, ffi.gc, ffi.cast
local get_phase, now, exiting = ngx.get_phase, ngx.now, ngx.worker.exiting
local type, tostring, tonumber, setmetatable, getmetatable = type, tostring, tonumber, setmetatable, getmetatable
local max, min = math.max, math.min

local NOTHING, MESSAGE, ENDED, AGAIN = constants.NOTHING, constants.MESSAGE, constants.ENDED, constants.AGAIN
local LONGEST_WAIT = 86400 -- seconds of one wait for a semaphore, which cannot wait forever

local tcp = ngx.config.subsystem == "stream"
local subsystem = tcp and 1 or 0
local sem_type = ffi.typeof(tcp and "ngx_stream_lua_sema_t *" or "ngx_http_lua_sema_t *")
local probe = semaphore.new(0) -- never posted
local sem_metatable = getmetatable(probe)
local state_type = ffi.typeof("resty_ffi_nginx_stream *")

---Many messages in both directions of one call. Several light threads may use one stream. It ends with the request or
---timer that opened it.
---@class resty.ffi.Stream
local Stream = {}
local metatable = { __index = Stream, __metatable = "resty.ffi stream" }

local function closed(self)
    return false, status.UNLOADED, "the stream of runtime \"" .. self.name .. "\" is closed"
end

local function bad_argument(name, err)
    return false, status.BAD_ARGUMENT, "bad argument for runtime \"" .. name .. "\": " .. err
end

local function bad_phase(name, err)
    return false, status.BAD_PHASE, "bad phase: a stream of runtime \"" .. name .. "\" cannot be used in "
           .. tostring(get_phase()) .. "_by_lua, which cannot wait (" .. tostring(err) .. ")"
end

-- Without a finalizer: the semaphore belongs to the stream, and finalizers run in no defined order.
local function borrowed(sem)
    return setmetatable({ sem = ffi_cast(sem_type, sem) }, sem_metatable)
end

-- The message as a string; nil and an error message if it is not one.
local function text_of(data)
    local kind = type(data)
    if kind == "string" then
        return data
    elseif kind == "number" then
        return tostring(data)
    end
    return nil, "a message must be a string, not a " .. kind
end

-- How many seconds a wait may take; nil and an error message if `timeout` is not valid.
local function patience(self, timeout)
    if timeout == nil then
        return self.timeout
    end
    return options.patience(timeout)
end

-- Waits for a post. Returns nil when the caller must look again: the semaphore was posted, or one step of the wait is
-- over. Returns a code and a message when the caller must give up.
local function wait(self, sem, give_up, seconds, what)
    local left = give_up - now()
    if left <= 0 then
        return status.TIMEOUT, "timeout: runtime \"" .. self.name .. "\" " .. what .. " within " .. seconds
               .. " s; the stream is still open"
    end
    if self.deadline then
        left = min(left, self.deadline - now())
        if left <= 0 then
            self.C.resty_ffi_stream_fail(self.call, status.TIMEOUT, "timeout: the stream of runtime \"" .. self.name
                                         .. "\" did not end before its deadline")
            return
        end
    end
    if self.timer then
        -- A timer that waits forever would keep the worker from ending.
        if exiting() then
            self.C.resty_ffi_stream_fail(self.call, status.CANCELLED, "cancelled: the worker is exiting")
            return
        end
        left = min(left, 1)
    end
    local state = self.state
    state.waiting = state.waiting + 1
    -- A wait of less than a millisecond does not yield, and then ngx.now does not advance.
    local ok, err = sem:wait(max(min(left, LONGEST_WAIT), 0.001))
    state.waiting = state.waiting - 1
    state.turns = state.turns + 1
    if ok or err == "timeout" then
        return
    elseif get_request() then
        return status.CANCELLED, "cancelled: " .. tostring(err)
    end
    return status.BAD_PHASE, "bad phase: " .. tostring(err)
end

-- An event is posted once. The light thread that has taken it passes it on to the others that wait.
local function pass_on(sem)
    if sem:count() < 0 then
        sem:post(1)
    end
end

---Receives the next message. After `TIMEOUT` the stream is still open.
---@param timeout? number seconds, by default those of the runtime; `math.huge` waits until the stream ends
---@return boolean ok
---@return string|integer|nil message the code if it failed, nil at the end of the stream
---@return string|nil err
function Stream:recv(timeout)
    local seconds, err = patience(self, timeout)
    if not seconds then
        return bad_argument(self.name, err)
    end
    local C, readable = self.C, self.readable
    local give_up = now() + seconds
    while self.call do
        local call = self.call
        local what = C.resty_ffi_stream_next(call)
        if what ~= NOTHING then
            pass_on(readable)
        end
        if what == MESSAGE then
            return true, ffi_str(call.data, call.len)
        elseif what == ENDED and call.status == 0 then
            return true, nil
        elseif what == ENDED then
            return false, call.status, ffi_str(call.data, call.len)
        end
        local code, text = wait(self, readable, give_up, seconds, "sent no message")
        if code then
            return false, code, text
        end
    end
    return closed(self)
end

---Sends a message. Waits while the window is used up.
---@param data string|number
---@param timeout? number seconds, by default those of the runtime; `math.huge` waits until the stream ends
---@return boolean ok
---@return integer|nil code
---@return string|nil message
function Stream:send(data, timeout)
    local seconds, err = patience(self, timeout)
    local text
    if seconds then
        text, err = text_of(data)
    end
    if not text then
        return bad_argument(self.name, err)
    end
    local C, writable = self.C, self.writable
    local give_up = now() + seconds
    while self.call do
        local code = C.resty_ffi_stream_send(self.call, text, #text, false)
        if code == 0 then
            pass_on(writable)
            return true
        elseif code ~= AGAIN then
            pass_on(writable)
            return self:refused(code)
        end
        local reason
        code, reason = wait(self, writable, give_up, seconds, "took no message")
        if code then
            return false, code, reason
        end
    end
    return closed(self)
end

-- Why nothing can be sent: the stream has ended, or this side has closed its direction.
---@private
function Stream:refused(code)
    if code ~= status.UNLOADED then
        return false, code, ffi_str(self.C.resty_ffi_runtime_explain(self.handle, code))
    elseif self.send_closed then
        return false, status.UNLOADED, "this direction of the stream of runtime \"" .. self.name .. "\" is closed"
    end
    return false, status.UNLOADED, "the stream of runtime \"" .. self.name .. "\" has ended: recv returns the reason"
end

---Ends the direction to the runtime. Messages from the runtime can still be received.
---@return boolean ok
---@return integer|nil code
---@return string|nil message
function Stream:close_send()
    if not self.call then
        return closed(self)
    end
    local code = self.C.resty_ffi_stream_send(self.call, nil, 0, true)
    if code ~= 0 then
        return self:refused(code)
    end
    self.send_closed = true
    return true
end

---Ends the stream. A handler that is still at work sees a cancellation. A second call does nothing.
---@return true
function Stream:close()
    local call = self.call
    if not call then
        return true
    end
    self.call = nil
    if self.state.waiting > 0 then
        -- Light threads wait on the semaphores: they are woken, and the collector frees the call when they are gone.
        self.closing = call
        self.C.resty_ffi_stream_fail(call, status.CANCELLED, "cancelled: the stream was closed")
    else
        self.C.resty_ffi_nginx_stream_free(ffi_gc(call, nil))
    end
    return true
end

-- `own` is the private part of the runtime in ffi.lua, `number` that of the method. Returns a stream; nil, code,
-- message.
return function(own, number, first, opts)
    local C, request = own.C, get_request()
    local timeout, text, err
    if opts ~= nil then
        timeout, err = options.timeout(opts, false)
    end
    if not err and first ~= nil then
        text, err = text_of(first)
    end
    if err then
        return nil, select(2, bad_argument(own.name, err))
    end
    -- A wait of 0 never yields: "timeout" means that this phase can wait. This is checked before the stream is opened,
    -- since the request of init_worker_by_lua ends without running its cleanup handlers.
    local _
    if request then
        _, err = probe:wait(0)
    end
    if err ~= "timeout" then
        return nil, select(2, bad_phase(own.name, err or "no request"))
    end
    local call = C.resty_ffi_nginx_stream_new(subsystem, request)
    if call == nil then
        return nil, status.QUEUE_FULL, "no memory for a stream of runtime \"" .. own.name .. "\""
    end
    call = ffi_gc(call, C.resty_ffi_nginx_stream_free)
    local state = ffi_cast(state_type, call.user)
    local self = setmetatable({
        C = C,
        call = call,
        handle = own.handle,
        name = own.name,
        state = state,
        readable = borrowed(state.readable),
        writable = borrowed(state.writable),
        timeout = own.timeout,
        deadline = timeout and now() + timeout,
        timer = get_phase() == "timer",
    }, metatable)

    local code = C.resty_ffi_nginx_stream_open(own.handle, call, number, text, text and #text or 0, 0,
                                               timeout and max(1, timeout * 1000) or 0)
    if code ~= 0 then
        self:close()
        return nil, tonumber(code), ffi_str(C.resty_ffi_runtime_explain(own.handle, code))
    end
    return self
end
