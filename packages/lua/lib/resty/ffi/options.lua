-- The options of ngx.load_ffi and of a call: checked here, so that a typo is an error and not a default.

local ffi = require "ffi"

local type, pairs, ipairs, tostring, tonumber = type, pairs, ipairs, tostring, tonumber
local sort, concat = table.sort, table.concat
local floor, max = math.floor, math.max
local find, match, lower = string.find, string.match, string.lower

local MAX_SECONDS = 2000000 -- of an nginx timer: milliseconds in an int
local MAX_COUNT = 2147483647

local _M = {}

local function boolean(value)
    return type(value) == "boolean", "a boolean"
end

local function count(value)
    return type(value) == "number" and value >= 1 and value == floor(value) and value <= MAX_COUNT,
           "a whole number from 1 to " .. MAX_COUNT
end

local function seconds(value)
    return type(value) == "number" and value > 0 and value <= MAX_SECONDS,
           "a number of seconds above 0 and up to " .. MAX_SECONDS
end

local function name(value)
    return type(value) == "string" and value ~= "" and not find(value, "\0", 1, true),
           "a string that is not empty and has no NUL"
end

local function names_only(value)
    if type(value) ~= "table" then
        return false, "a list of names"
    end
    local items = 0
    for key, item in pairs(value) do
        items = items + 1
        if type(key) ~= "number" or not name(item) then
            return false, "a list of names"
        end
    end
    return items == #value, "a list of names"
end

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

local check -- of options against those that are known

local LIMITS = { memory = size, files = count, cpus = count }

local function limits(value)
    local err = check(value, LIMITS)
    return not err, "a table of limits (" .. tostring(err) .. ")"
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
    dicts = names_only,
    limits = limits,
    user = name,
    env = names_only,
    venv = name,
    java_home = name,
    node = name,
}

-- What the options of the same name tell the runtime's loader.
local SETTINGS = { "venv", "java_home", "node" }

local CALL = { timeout = seconds }

local function names(known)
    local list = {}
    for key in pairs(known) do
        list[#list + 1] = key
    end
    sort(list)
    return concat(list, ", ")
end

-- What stands in for a value in a message. Not tostring of a table: its __tostring may throw.
local function shown(value)
    local kind = type(value)
    if kind == "string" then
        return "string \"" .. value .. "\""
    elseif kind == "number" or kind == "boolean" then
        return kind .. " " .. tostring(value)
    end
    return "a " .. kind
end

function check(options, known)
    if type(options) ~= "table" then
        return "the options must be a table, not a " .. type(options)
    end
    for key, value in pairs(options) do
        local test = known[key]
        if not test then
            local which = type(key) == "string" and "\"" .. key .. "\"" or "with the key " .. shown(key)
            return "there is no option " .. which .. "; the options are: " .. names(known)
        end
        local ok, wanted = test(value)
        if not ok and test == limits then
            return "the option \"limits\": " .. check(value, LIMITS)
        elseif not ok then
            return "the option \"" .. key .. "\" must be " .. wanted .. ", not " .. shown(value)
        end
    end
end

-- Strings as the core takes them: each ended by a NUL, the list by one more. nil for none.
local function list(items)
    if items and #items > 0 then
        return concat(items, "\0") .. "\0"
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
    return list(items)
end

-- Returns the C struct, the table, and what keeps the struct's strings; or nil and a sentence.
function _M.load(options)
    options = options == nil and {} or options
    local err = check(options, LOAD)
    if err then
        return nil, err
    end
    local c = ffi.new("resty_ffi_options")
    c.size = ffi.sizeof(c)
    c.max_queue = options.max_queue or 65536
    c.workers = options.workers or 1
    c.load_timeout_ms = max(1, floor((options.load_timeout or 30) * 1000 + 0.5)) -- 0 would mean the default
    c.isolate = options.isolate and 1 or 0
    c.global = options.is_global and 1 or 0
    c.unpin = options.unpin and 1 or 0
    c.restart = options.restart ~= false and 1 or 0
    c.watch = options.watch and 1 or 0
    c.drain_ms = max(1, floor((options.drain_timeout or 30) * 1000 + 0.5))
    local limited = options.limits or {}
    c.memory = limited.memory and bytes_of(limited.memory) or 0
    c.files = limited.files or 0
    c.cpus = limited.cpus or 0
    local kept = { dicts = list(options.dicts), user = options.user, settings = settings_of(options),
                   env = options.env and (list(options.env) or "\0") }
    c.dicts, c.user, c.env, c.settings = kept.dicts, kept.user, kept.env, kept.settings
    return c, options, kept
end

-- The timeout of one call in seconds, or nil and a sentence.
function _M.timeout(options, default)
    local err = check(options, CALL)
    if err then
        return nil, err
    end
    return options.timeout or default
end

return _M
