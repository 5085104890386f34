-- Streams: many messages in both directions of one call.
--
--     local stream, code, err = resty_ffi.stream(rt, "watch", "key", { timeout = 60 })
--     stream:send("more")                   -- true | false, code, message; waits while the window is used up
--     stream:close_send()                   -- nothing more will be sent
--     local ok, message = stream:recv()     -- true, message | true, nil (the end) | false, code, message
--     stream:close()
--
-- Several light threads may use one stream. It ends with the request or timer that opened it.

local ffi = require "ffi"
local get_request = require "resty.ffi.request"
local options = require "resty.ffi.options"
local semaphore = require "ngx.semaphore"
local status = require "resty.ffi.status"

local ffi_str, ffi_gc, ffi_cast = ffi.string, ffi.gc, ffi.cast
local get_phase, now, exiting = ngx.get_phase, ngx.now, ngx.worker.exiting
local type, tostring, tonumber, setmetatable, getmetatable = type, tostring, tonumber, setmetatable, getmetatable
local max, min = math.max, math.min

local MESSAGE, ENDED = 1, 2
local AGAIN = 1
local LONGEST_WAIT = 86400 -- seconds of one wait for a semaphore, which knows no end of them

local tcp = ngx.config.subsystem == "stream"
local subsystem = tcp and 1 or 0
local sem_type = ffi.typeof(tcp and "ngx_stream_lua_sema_t *" or "ngx_http_lua_sema_t *")
local probe = semaphore.new(0) -- never posted
local sem_metatable = getmetatable(probe)
local state_type = ffi.typeof("resty_ffi_nginx_stream *")

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

-- Without a finalizer: the semaphore belongs to the stream, and finalizers run in no certain order.
local function borrowed(sem)
    return setmetatable({ sem = ffi_cast(sem_type, sem) }, sem_metatable)
end

-- A string, or nil and what is wrong.
local function text_of(data)
    local kind = type(data)
    if kind == "string" then
        return data
    elseif kind == "number" then
        return tostring(data)
    end
    return nil, "a message must be a string, not a " .. kind
end

-- Seconds that a wait may take, or nil and what is wrong.
local function patience(self, timeout)
    if timeout == nil then
        return self.timeout
    end
    return options.patience(timeout)
end

-- Waits for a post. nil = posted, or it is time to look once more; else what the caller returns.
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
        -- A timer that watches something for ever would keep a worker from ending.
        if exiting() then
            self.C.resty_ffi_stream_fail(self.call, status.CANCELLED, "cancelled: the worker is exiting")
            return
        end
        left = min(left, 1)
    end
    local state = self.state
    state.waiting = state.waiting + 1
    -- Less than a millisecond would not yield, and without that the clock stands still.
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

-- Each event is posted once: who took what there was passes it on to the others that wait.
local function pass_on(sem)
    if sem:count() < 0 then
        sem:post(1)
    end
end

-- The next message. true, message | true, nil at the end | false, code, text. Waits up to timeout seconds, for
-- math.huge as long as it takes (default: the runtime's timeout); a time-out leaves the stream as it is.
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
        if what ~= 0 then
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

-- true | false, code, text. Waits while the window is used up, up to timeout seconds (default: the runtime's timeout).
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

-- Why nothing can be sent: the stream has ended, or this side has said that it sends no more.
function Stream:refused(code)
    if code ~= status.UNLOADED then
        return false, code, ffi_str(self.C.resty_ffi_runtime_explain(self.handle, code))
    elseif self.send_closed then
        return false, status.UNLOADED, "this direction of the stream of runtime \"" .. self.name .. "\" is closed"
    end
    return false, status.UNLOADED, "the stream of runtime \"" .. self.name .. "\" has ended: recv tells how"
end

-- Nothing more will be sent; what comes can still be received. true | false, code, text.
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

-- Ends the stream; the handler sees a cancellation if it is still at work. May be called again.
function Stream:close()
    local call = self.call
    if not call then
        return true
    end
    self.call = nil
    if self.state.waiting > 0 then
        -- Light threads wait on its semaphores: they are woken, and the collector frees it when they are gone.
        self.closing = call
        self.C.resty_ffi_stream_fail(call, status.CANCELLED, "cancelled: the stream was closed")
    else
        self.C.resty_ffi_nginx_stream_free(ffi_gc(call, nil))
    end
    return true
end

-- own: what ffi.lua knows of the runtime; number: of the method. Returns a stream, or nil, code, text.
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
    -- A wait of 0 never yields: "timeout" means that this phase could. Asked first: init_worker_by_lua has a request
    -- that ends without a word.
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
