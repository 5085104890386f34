-- resty.ffi: call functions of Go, Rust, Python, Java and Node.js from nginx.
--
--     local resty_ffi = require "resty.ffi"
--     local rt, err = ngx.load_ffi("ffi_go_echo")
--     local ok, res, err = rt:echo("hello")          -- true, answer | false, code, message
--
-- Every name after `rt:` is a method of the runtime. What is done to a runtime is a function of this module.

local call = require "resty.ffi.call"
local constants = require "resty.ffi.constants"
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

---Loads runtimes and calls them. The fields in capitals are the codes of the host: see docs/lua-api.md.
---@class resty.ffi
---@field _VERSION string
---@field TIMEOUT integer no answer came in time
---@field CANCELLED integer the caller went away, or the handler gave up because it was told so
---@field QUEUE_FULL integer `max_queue` calls wait, or the payload memory is used up
---@field TOO_LARGE integer a payload is larger than 128 MB
---@field NO_METHOD integer the runtime serves no method of this name
---@field THREW integer the handler threw, panicked or failed without a code
---@field EXITED integer the process of the runtime ended
---@field UNLOADED integer the runtime is unloaded
---@field BAD_PHASE integer nginx cannot wait in this phase
---@field BAD_ARGUMENT integer the request, the timeout or the name of the method is not valid
local _M = { _VERSION = "0.1.0" }
for name, code in pairs(status) do
    _M[name] = code
end

local C -- libresty_ffi.so, once it is loaded
local exit_hook -- its finalizer runs when this Lua VM is closed
local inner = setmetatable({}, { __mode = "k" }) -- the private part of each runtime
local loaded = {} -- runtimes by the address of their C part

---A runtime. Every other name after `rt:` is a method that the runtime serves:
---`rt:echo(request, opts)` returns `true, answer` or `false, code, message`. `request` is a string, a number or nil.
---@class resty.ffi.Runtime
---@field __unload fun(rt: resty.ffi.Runtime): true|nil, string|nil the same as `resty_ffi.unload(rt)`

---Options of one call or stream.
---@class resty.ffi.CallOptions
---@field timeout? number seconds; of a stream, for the whole of it

---Options of `load`. See docs/lua-api.md for what they do and for their defaults.
---@class resty.ffi.LoadOptions
---@field timeout? number seconds until a call without a timeout of its own gives up
---@field isolate? boolean runs the runtime in a child process
---@field workers? integer number of child processes
---@field restart? boolean starts a child process again when it has ended
---@field max_queue? integer calls that may wait for the runtime
---@field load_timeout? number seconds until a start that hangs is given up
---@field drain_timeout? number seconds that calls get to finish after a reload and an unload
---@field watch? boolean reloads when the files of the code change
---@field dicts? string[] names of the shared dicts that the runtime may use
---@field limits? { memory?: string|integer, files?: integer, cpus?: integer } of a child process
---@field env? string[] environment of a child process: `NAME` and `NAME=value`
---@field user? string user of a child process
---@field venv? string virtual environment of Python
---@field java_home? string JDK or JRE of Java
---@field node? string executable of Node.js
---@field is_global? boolean makes the symbols of the library visible to libraries that are loaded later
---@field unpin? boolean accepted for programs that were written for lua-resty-ffi

-- The number that the core gives a method; nil and an error message if the name is not valid.
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

-- Programs for lua-resty-ffi may call rt(request): its runtimes ignore the method.
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

---Ends a runtime: it takes no new calls, finishes those in flight and then ends. The same library and configuration can
---be loaded again at once.
---@param rt resty.ffi.Runtime
---@return true|nil
---@return string|nil message if `rt` is not a runtime
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

---Opens a stream, which carries many messages in both directions. It ends with the request or timer that opened it.
---@param rt resty.ffi.Runtime
---@param name string the method
---@param first? string a first message
---@param opts? resty.ffi.CallOptions without a timeout the stream has no deadline
---@return resty.ffi.Stream|nil
---@return integer|nil code
---@return string|nil message
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

---Sends a one-way call, in any phase: nothing waits for its answer, and the error log has its failure.
---@param rt resty.ffi.Runtime
---@param name string the method
---@param request? string|number
---@param opts? resty.ffi.CallOptions
---@return boolean ok true when the runtime has the call
---@return integer|nil code
---@return string|nil message
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

---Starts the code of a runtime again in this worker, moves new calls over to it, and lets the old code finish its own
---calls. If the new code does not start, the old code goes on.
---@param rt resty.ffi.Runtime
---@return true|nil
---@return string|nil message
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

---Lists the runtimes that are loaded in this worker.
---@return resty.ffi.Runtime[]
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
        for k = 0, constants.KINDS - 1 do
            if s.errors[k] > 0 then
                errors[KINDS[k] or k] = tonumber(s.errors[k])
            end
        end
        for k = 0, constants.BUCKETS - 1 do
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

---Counters of one method. `errors` counts failures by the name of their code; `FAILED` is every code of the runtime's
---own. `took[k]` counts the calls that were answered in less than 2^(k - 1) * 8.192 microseconds and are in no bucket
---before; the last bucket has the rest.
---@class resty.ffi.MethodStats
---@field calls integer
---@field answered integer
---@field in_flight integer
---@field bytes_in integer bytes of requests
---@field bytes_out integer bytes of answers
---@field errors table<string, integer>
---@field took integer[]
---@field took_us integer microseconds of all answered calls

---Counters of a runtime since it was loaded, and its present state.
---@class resty.ffi.Stats
---@field methods table<string, resty.ffi.MethodStats>
---@field name string
---@field transport "thread"|"process"
---@field up boolean whether the runtime serves
---@field workers integer
---@field in_flight integer
---@field calls integer
---@field answered integer
---@field failed integer
---@field timed_out integer
---@field cancelled integer
---@field late integer answers that came after their caller had gone
---@field queue_full integer
---@field restarts integer
---@field reloads integer
---@field streams integer
---@field queued integer frames that the runtime has not taken yet
---@field bytes_in integer
---@field bytes_out integer

---Reads the counters of a runtime.
---@param rt resty.ffi.Runtime
---@return resty.ffi.Stats|nil
---@return string|nil message if `rt` is not a runtime
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

-- `strings` are those of the options: the C struct points to them, so they must live as long as it is used.
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

---Loads a runtime. The same `lib` and `cfg` give the same runtime, if it has the options that are given.
---`ngx.load_ffi` is this function. It blocks the worker until the runtime is up: call it in `init_worker_by_lua`, or
---once at the first use.
---@param lib string name of the library without `lib` and `.so`, or a path
---@param cfg? string configuration for the runtime
---@param opts? resty.ffi.LoadOptions
---@return resty.ffi.Runtime|nil
---@return string|nil message
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
