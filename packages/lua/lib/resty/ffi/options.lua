-- The options of ngx.load_ffi and of a call.

local check = require "resty.ffi.check"
local constants = require "resty.ffi.constants"
local ffi = require "ffi"

local ipairs, tonumber, type = ipairs, tonumber, type
local floor, max = math.floor, math.max
local concat, lower, match = table.concat, string.lower, string.match

local boolean, count, seconds = check.boolean, check.count, check.seconds
local name, names, variables = check.name, check.names, check.variables

local _M = {}

local UNITS = { [""] = 1, k = 1024, m = 1024 * 1024, g = 1024 * 1024 * 1024 }

local function bytes_of(value)
    if type(value) == "string" then
        local number, unit = match(lower(value), "^(%d+)([kmg]?)$")
        value = number and tonumber(number) * UNITS[unit]
    end
    if type(value) == "number" and value >= 1 and value == floor(value) and value < 2 ^ 53 then
        return value
    end
end

local function size(value)
    return bytes_of(value) ~= nil, "a number of bytes, or a string such as \"256m\""
end

local LOAD = {
    max_queue = count,
    is_global = boolean,
    unpin = boolean,
    isolate = boolean,
    workers = count,
    timeout = seconds,
    load_timeout = seconds,
    drain_timeout = seconds,
    restart = boolean,
    watch = boolean,
    dicts = names,
    limits = { memory = size, files = count, cpus = count },
    user = name,
    env = variables,
    venv = name,
    java_home = name,
    node = name,
}

-- Options for the loader of the runtime, under the same names.
local SETTINGS = { "venv", "java_home", "node" }

local CALL = { timeout = seconds }
local WAIT = { timeout = check.patience }

-- Strings as the core takes them: each ends with a NUL, and the list with one more. nil if there is no list.
local function list(items)
    if items then
        return #items > 0 and concat(items, "\0") .. "\0" or "\0"
    end
end

local function settings_of(options)
    local items = {}
    for _, key in ipairs(SETTINGS) do
        if options[key] then
            items[#items + 1] = key
            items[#items + 1] = options[key]
        end
    end
    return #items > 0 and list(items) or nil
end

-- 0 stands for an option that is not given.
local function milliseconds(value)
    return value and max(1, floor(value * 1000 + 0.5)) or 0
end

local function flag(value)
    return value == nil and constants.UNSAID or value and constants.YES or constants.NO
end

-- Returns the C struct, the options, and the table that keeps the strings of the struct alive; nil and an error
-- message. The core has the defaults: an option that is not given may have any value in a runtime that is loaded
-- already.
function _M.load(options)
    options = options == nil and {} or options
    local err = check.options(options, LOAD)
    if err then
        return nil, err
    end
    local c = ffi.new("resty_ffi_options")
    c.size = ffi.sizeof(c)
    c.max_queue = options.max_queue or 0
    c.workers = options.workers or 0
    c.load_timeout_ms = milliseconds(options.load_timeout)
    c.drain_ms = milliseconds(options.drain_timeout)
    c.timeout_ms = milliseconds(options.timeout)
    c.isolate = flag(options.isolate)
    c.global = flag(options.is_global)
    c.unpin = flag(options.unpin)
    c.restart = flag(options.restart)
    c.watch = flag(options.watch)
    local limited = options.limits or {}
    c.memory = limited.memory and bytes_of(limited.memory) or 0
    c.files = limited.files or 0
    c.cpus = limited.cpus or 0
    local kept = { dicts = list(options.dicts), user = options.user, settings = settings_of(options),
                   env = list(options.env) }
    c.dicts, c.user, c.env, c.settings = kept.dicts, kept.user, kept.env, kept.settings
    return c, options, kept
end

-- The seconds of one wait on a stream; nil and an error message if they are not valid.
function _M.patience(timeout)
    local err = check.options({ timeout = timeout }, WAIT)
    if err then
        return nil, err
    end
    return timeout
end

-- The timeout of one call in seconds; nil and an error message if it is not valid.
function _M.timeout(options, default)
    local err = check.options(options, CALL)
    if err then
        return nil, err
    end
    return options.timeout or default
end

return _M
