-- The options of ngx.load_ffi and of a call: checked here, so that a typo is an error and not a default.

local ffi = require "ffi"

local type, pairs, tostring = type, pairs, tostring
local sort, concat = table.sort, table.concat
local floor, max = math.floor, math.max

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
    return type(value) == "string" and value ~= "", "a string that is not empty"
end

local LOAD = {
    max_queue = count,
    is_global = boolean,
    unpin = boolean,
    isolate = boolean,
    workers = count,
    timeout = seconds,
    load_timeout = seconds,
    restart = boolean,
    dict = name,
}

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

local function check(options, known)
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
        if not ok then
            return "the option \"" .. key .. "\" must be " .. wanted .. ", not " .. shown(value)
        end
    end
end

-- Returns the C struct and the table, or nil and a sentence.
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
    return c, options
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
