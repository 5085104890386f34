-- One call, from the request to the answer. This path must be fast.

local constants = require "resty.ffi.constants"
local ffi = require "ffi"
local get_request = require "resty.ffi.request"
local options = require "resty.ffi.options"
local semaphore = require "ngx.semaphore"
local status = require "resty.ffi.status"

local ffi_str, ffi_gc, ffi_cast = ffi.string, ffi.gc, ffi.cast
local get_phase = ngx.get_phase
local type, tostring, tonumber, setmetatable, getmetatable = type, tostring, tonumber, setmetatable, getmetatable
local call_timeout = options.timeout

local TIMEOUT, BAD_PHASE, BAD_ARGUMENT = status.TIMEOUT, status.BAD_PHASE, status.BAD_ARGUMENT
local DONE = constants.DONE

local stream = ngx.config.subsystem == "stream"
local subsystem = stream and 1 or 0
local sem_type = ffi.typeof(stream and "ngx_stream_lua_sema_t *" or "ngx_http_lua_sema_t *")
local sem_metatable = getmetatable(semaphore.new(0))
local sem_wait = semaphore.wait

-- Slots that are not in flight. A slot is a call of the core and the ngx.semaphore that the call posts. Only its
-- coroutine refers to a slot in flight: when the coroutine is killed, the slot becomes garbage and its finalizer frees
-- the call.
local free, free_count = {}, 0

local function new_slot(C)
    local call = C.resty_ffi_nginx_call_new(subsystem)
    if call == nil then
        return nil
    end
    return {
        call = ffi_gc(call, C.resty_ffi_nginx_call_free),
        -- Without a finalizer: the semaphore belongs to the call, and finalizers run in no defined order.
        sem = setmetatable({ sem = ffi_cast(sem_type, call.user) }, sem_metatable),
    }
end

local function bad_phase(rt, err)
    local phase = get_phase()
    return false, BAD_PHASE, "bad phase: runtime \"" .. rt.name .. "\" cannot be called in " .. tostring(phase)
           .. "_by_lua, which cannot wait for an answer (" .. tostring(err)
           .. "); call it in rewrite, access, content, ssl_certificate or preread, or from ngx.timer.at; or send what"
           .. " needs no answer with resty_ffi.send"
end

local function bad_argument(rt, err)
    return false, BAD_ARGUMENT, "bad argument for runtime \"" .. rt.name .. "\": " .. err
end

local function result(C, call)
    local code = call.status
    local text
    if call.nil_ == 0 then
        text = ffi_str(call.data, call.len)
    end
    C.resty_ffi_call_release(call)
    if code == 0 then
        return true, text
    end
    return false, code, text
end

-- `rt` is the private part of the runtime in ffi.lua, `method` a number. Returns true, answer | false, code, message.
return function(rt, method, request, opts)
    local C, timeout = rt.C, rt.timeout
    if opts ~= nil then
        local err
        timeout, err = call_timeout(opts, timeout)
        if not timeout then
            return bad_argument(rt, err)
        end
    end
    local kind = type(request)
    if kind == "number" then
        request = tostring(request)
    elseif kind ~= "string" and kind ~= "nil" then
        return bad_argument(rt, "the request must be a string or nil, not a " .. kind)
    end

    local slot
    if free_count > 0 then
        slot = free[free_count]
        free[free_count] = nil
        free_count = free_count - 1
    else
        slot = new_slot(C)
        if not slot then
            return false, status.QUEUE_FULL, "no memory for a call of runtime \"" .. rt.name .. "\""
        end
    end
    local call, sem = slot.call, slot.sem

    -- A wait of 0 never yields: "timeout" means that this phase can wait.
    local ok, err, _
    if get_request() then
        _, err = sem_wait(sem, 0)
    end
    if err ~= "timeout" then
        free_count = free_count + 1
        free[free_count] = slot
        return bad_phase(rt, err or "no request")
    end

    local code = C.resty_ffi_nginx_submit(rt.handle, call, method, request, request and #request or 0,
                                          timeout < 0.001 and 1 or timeout * 1000) -- 0 would be no deadline
    if code ~= 0 then
        free_count = free_count + 1
        free[free_count] = slot
        return false, code, ffi_str(C.resty_ffi_runtime_explain(rt.handle, code))
    end

    ok, err = sem_wait(sem, timeout)
    local answered = call.state == DONE
    if not answered then
        C.resty_ffi_call_cancel(call, TIMEOUT)
    end
    if not ok then
        sem_wait(sem, 0) -- takes back a post that came while the timer fired
    end
    free_count = free_count + 1
    free[free_count] = slot
    if answered then
        return result(C, call)
    end
    if err == "timeout" then
        return false, TIMEOUT, ffi_str(C.resty_ffi_runtime_explain(rt.handle, TIMEOUT)) .. " (" .. tonumber(timeout)
               .. " s)"
    end
    return false, status.CANCELLED, "cancelled: "
           .. (err or "the worker is exiting, and its worker_shutdown_timeout is over")
end
