-- resty.ffi: call functions of Go, Rust, Python, Java and Node.js from nginx.
--
--     local resty_ffi = require "resty.ffi"
--     local rt, err = ngx.load_ffi("ffi_go_echo")
--     local ok, res, err = rt:echo("hello")          -- true, answer | false, code, message
--
-- Whatever follows `rt:` is a method of the runtime. What is done to a runtime is a function of this module.

local call = require "resty.ffi.call"
local ffi = require "ffi"
local native = require "resty.ffi.native"
local open_stream = require "resty.ffi.stream"
local options = require "resty.ffi.options"
local send = require "resty.ffi.send"
local status = require "resty.ffi.status"

local ffi_new, ffi_str, ffi_cast, ffi_gc = ffi.new, ffi.string, ffi.cast, ffi.gc
local sleep = ngx.sleep
local ipairs, pcall, type, pairs, tonumber, tostring, setmetatable, rawset, rawget =
    ipairs, pcall, type, pairs, tonumber, tostring, setmetatable, rawset, rawget

local find = string.find

local stream = ngx.config.subsystem == "stream"
local subsystem = stream and 1 or 0
local ERROR_SIZE = 2048

local _M = { _VERSION = "0.1.0" }
for name, code in pairs(status) do
    _M[name] = code
end

local C -- libresty_ffi.so, once loaded
local exit_hook -- its finalizer runs when this Lua VM is closed
local inner = setmetatable({}, { __mode = "k" }) -- what only this module knows of a runtime
local loaded = {} -- runtimes by the address of their C part

-- The core's number of a method, or nil and a sentence.
local function number_of(own, name)
    local number = type(name) == "string" and C.resty_ffi_runtime_method(own.handle, name, #name)
                   or status.BAD_ARGUMENT
    if number < 0 then
        return nil, "bad argument for runtime \"" .. own.name .. "\": a method name has 1 to 127 bytes and no NUL, and"
               .. " a runtime at most 4096 different ones"
    end
    return number
end

local function method(rt, name)
    local own = inner[rt]
    local number, err = number_of(own, name)
    if not number then
        return function()
            return false, status.BAD_ARGUMENT, err
        end
    end
    local function bound(_, request, opts)
        return call(own, number, request, opts)
    end
    rawset(rt, name, bound)
    return bound
end

-- lua-resty-ffi allows rt(request), too: its runtimes do not look at the method.
local function call_itself(rt, ...)
    return rt:call(...)
end

local metatable = { __index = method, __call = call_itself, __metatable = "resty.ffi runtime" }

local function own_of(rt)
    local own = type(rt) == "table" and inner[rt]
    if not own then
        return nil, "not a runtime: expected what ngx.load_ffi returned, got a " .. type(rt)
    end
    return own
end

-- Starts no new call; those in flight finish, then the runtime ends. The same key can be loaded again at once.
function _M.unload(rt)
    local own, err = own_of(rt)
    if not own then
        return nil, err
    end
    if _M.before_unload and loaded[own.address] then
        _M.before_unload(rt)
    end
    loaded[own.address] = nil
    C.resty_ffi_runtime_unload(own.handle)
    return true
end

-- Opens a stream: see resty.ffi.stream. Returns it, or nil, code, message.
function _M.stream(rt, name, first, opts)
    local own, err = own_of(rt)
    if not own then
        return nil, status.BAD_ARGUMENT, err
    end
    local number
    number, err = number_of(own, name)
    if not number then
        return nil, status.BAD_ARGUMENT, err
    end
    return open_stream(own, number, first, opts)
end

-- Sends a one-way call, in any phase: nobody waits for its answer, and a failure is in the error log. Returns true when
-- it is on its way, or false, code, message.
function _M.send(rt, name, request, opts)
    local own, err = own_of(rt)
    if not own then
        return false, status.BAD_ARGUMENT, err
    end
    local number
    number, err = number_of(own, name)
    if not number then
        return false, status.BAD_ARGUMENT, err
    end
    return send(own, number, request, opts)
end

-- Starts the runtime's code anew in this worker, moves new calls over to it, and lets the old code finish its own.
-- Returns true when the new code serves; nil and a sentence if it did not start: then the old code goes on.
function _M.reload(rt)
    local own, err = own_of(rt)
    if not own then
        return nil, err
    end
    local code = C.resty_ffi_runtime_reload(own.handle)
    if code ~= 0 then
        return nil, ffi_str(C.resty_ffi_runtime_explain(own.handle, code))
    end
    local buffer, waits = ffi_new("char[?]", ERROR_SIZE), true
    while true do
        local state = C.resty_ffi_runtime_reload_wait(own.handle, waits and 0 or -1, buffer, ERROR_SIZE)
        if state ~= 0 then
            return state == 1 or nil, state ~= 1 and ffi_str(buffer) or nil
        end
        -- Where a handler cannot wait (init_worker_by_lua), the worker does.
        waits = pcall(sleep, 0.005)
    end
end

-- The runtimes that are loaded in this worker.
function _M.runtimes()
    local list = {}
    for _, rt in pairs(loaded) do
        list[#list + 1] = rt
    end
    return list
end

local KINDS = { [0] = "FAILED" }
for name, code in pairs(status) do
    KINDS[-code] = name
end

local function method_stats(own)
    local s, methods, number = ffi_new("resty_ffi_method_stats"), {}, 0
    while true do
        local name = C.resty_ffi_runtime_method_stats(own.handle, number, s)
        if name == nil then
            return methods
        end
        local errors, took = {}, {}
        for k = 0, #KINDS do
            if s.errors[k] > 0 then
                errors[KINDS[k]] = tonumber(s.errors[k])
            end
        end
        for k = 0, 19 do
            took[k + 1] = tonumber(s.took[k])
        end
        methods[ffi_str(name)] = {
            calls = tonumber(s.calls),
            answered = tonumber(s.answered),
            in_flight = tonumber(s.in_flight),
            bytes_in = tonumber(s.bytes_in),
            bytes_out = tonumber(s.bytes_out),
            errors = errors,
            took = took,
            took_us = tonumber(s.took_us),
        }
        number = number + 1
    end
end

-- Counters since the load, and the present state. took[k] of a method: calls that were answered in less than
-- 2^(k - 1) * 8.192 microseconds and in no bucket before; the last has the rest.
function _M.stats(rt)
    local own, err = own_of(rt)
    if not own then
        return nil, err
    end
    local s = ffi_new("resty_ffi_stats")
    C.resty_ffi_runtime_stats(own.handle, s)
    return {
        methods = method_stats(own),
        name = own.name,
        transport = s.process == 1 and "process" or "thread",
        up = s.up == 1,
        workers = s.workers,
        in_flight = s.in_flight,
        calls = tonumber(s.calls),
        answered = tonumber(s.answered),
        failed = tonumber(s.failed),
        timed_out = tonumber(s.timed_out),
        cancelled = tonumber(s.cancelled),
        late = tonumber(s.late),
        queue_full = tonumber(s.queue_full),
        restarts = tonumber(s.restarts),
        reloads = tonumber(s.reloads),
        streams = tonumber(s.streams),
        queued = s.queued,
        bytes_in = tonumber(s.bytes_in),
        bytes_out = tonumber(s.bytes_out),
    }
end

-- strings: of the options; they had to live until the runtime was loaded.
local function wrap(handle, strings)
    local address = tostring(ffi_cast("uintptr_t", handle))
    local rt = loaded[address]
    if rt then
        return rt
    end
    rt = { __unload = _M.unload }
    inner[rt] = {
        C = C,
        handle = handle,
        address = address,
        name = ffi_str(C.resty_ffi_runtime_name(handle)),
        timeout = C.resty_ffi_runtime_timeout(handle) / 1000,
        strings = strings,
    }
    loaded[address] = rt
    return setmetatable(rt, metatable)
end

local function ready()
    if not C then
        local lib, err = native.load()
        if not lib then
            return nil, err
        end
        C = lib
    end
    local err = C.resty_ffi_nginx_init(subsystem)
    if err ~= nil then
        return nil, ffi_str(err)
    end
    if not exit_hook then
        exit_hook = newproxy(true)
        getmetatable(exit_hook).__gc = function()
            C.resty_ffi_nginx_exit()
        end
        _M.exit_hook = exit_hook
    end
    return true
end

local function refuse(lib, err)
    return nil, "cannot load \"" .. lib .. "\": " .. err
end

-- Loads a runtime, or returns the one that the same lib and cfg gave before, if it has the options that are given.
-- Returns nil and a sentence if it cannot.
-- Blocks the worker until the runtime is up, so call it in init_worker_by_lua (or once, lazily).
function _M.load(lib, cfg, opts)
    if type(lib) ~= "string" then
        return nil, "cannot load: the library must be a name or a path, not a " .. type(lib)
    elseif find(lib, "\0", 1, true) then
        return refuse(lib, "the library's name must have no NUL")
    elseif cfg ~= nil and type(cfg) ~= "string" then
        return refuse(lib, "the configuration must be a string or nil, not a " .. type(cfg))
    end
    local c_options, checked, kept = options.load(opts)
    if not c_options then
        return refuse(lib, checked)
    end
    local ok, err = ready()
    if not ok then
        return refuse(lib, err)
    end
    for _, name in ipairs(checked.dicts or {}) do
        local dict = ngx.shared and rawget(ngx.shared, name)
        if not dict then
            return refuse(lib, "there is no lua_shared_dict \"" .. name .. "\" (option dicts)")
        elseif C.resty_ffi_nginx_set_dict(subsystem, name, dict[1]) == 0 then
            return refuse(lib, "no memory")
        end
    end
    local buffer = ffi_new("char[?]", ERROR_SIZE)
    local handle = C.resty_ffi_runtime_load(C.resty_ffi_nginx_loop(subsystem), lib, cfg, cfg and #cfg or 0, c_options,
                                            buffer, ERROR_SIZE)
    ffi_gc(handle, C.resty_ffi_runtime_release)
    if handle == nil or C.resty_ffi_runtime_wait(handle, -1, buffer, ERROR_SIZE) ~= 1 then
        return nil, ffi_str(buffer)
    end
    return wrap(handle, kept)
end

ngx.load_ffi = _M.load

return _M
