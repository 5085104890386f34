-- Checks the names and types of options: a typo must be an error, not a default.
--
--     local err = check.options({ timeout = "1" }, { timeout = check.seconds })
--     -- the option "timeout" must be a number of seconds above 0 and up to 2000000, not string "1"
--
-- An option is known by a test or by a table of the options inside it. A test returns whether the value is valid, a
-- phrase for valid values, and, where the type is not enough, a phrase for the value.

local concat, sort = table.concat, table.sort
local find, sub, floor, huge = string.find, string.sub, math.floor, math.huge
local pairs, tostring, type = pairs, tostring, type

local MAX_SECONDS = 2000000 -- of an nginx timer: milliseconds in an int
local MAX_COUNT = 2147483647

local _M = {}

function _M.boolean(value)
    return type(value) == "boolean", "a boolean"
end

function _M.string(value)
    return type(value) == "string", "a string"
end

function _M.count(value)
    return type(value) == "number" and value >= 1 and value == floor(value) and value <= MAX_COUNT,
           "a whole number from 1 to " .. MAX_COUNT
end

function _M.index(value)
    return type(value) == "number" and value >= 0 and value == floor(value) and value < 2 ^ 53,
           "a whole number from 0 on"
end

function _M.seconds(value)
    return type(value) == "number" and value > 0 and value <= MAX_SECONDS,
           "a number of seconds above 0 and up to " .. MAX_SECONDS
end

-- The seconds of a wait.
function _M.patience(value)
    local ok, wanted = _M.seconds(value)
    return ok or value == huge, wanted .. ", or math.huge"
end

-- One of these strings.
function _M.one_of(...)
    local list = { ... }
    local wanted = "one of " .. concat(list, ", ")
    return function(value)
        for _, item in pairs(list) do
            if value == item then
                return true
            end
        end
        return false, wanted
    end
end

local function name(value)
    return type(value) == "string" and value ~= "" and not find(value, "\0", 1, true),
           "a string that is not empty and has no NUL"
end
_M.name = name

-- A list of names, without other keys.
function _M.names(value)
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

-- A list of variables: "NAME" or "NAME=value".
function _M.variables(value)
    local wanted = "a list of \"NAME\" and \"NAME=value\""
    if not _M.names(value) then
        return false, wanted
    end
    for k = 1, #value do
        if sub(value[k], 1, 1) == "=" then
            return false, wanted
        end
    end
    return true
end

-- A table with strings as keys and values.
function _M.strings(value)
    if type(value) ~= "table" then
        return false, "a table of strings by their names"
    end
    for key, item in pairs(value) do
        if type(key) ~= "string" or type(item) ~= "string" then
            return false, "a table of strings by their names"
        end
    end
    return true
end

local function names_of(known)
    local list = {}
    for key in pairs(known) do
        list[#list + 1] = key
    end
    sort(list)
    return concat(list, ", ")
end

-- A value in a message. Tables are not shown by tostring: their __tostring may throw.
local function shown(value)
    local kind = type(value)
    if kind == "string" then
        return "string \"" .. value .. "\""
    elseif kind == "number" or kind == "boolean" then
        return kind .. " " .. tostring(value)
    end
    return "a " .. kind
end

-- An error message if an option is not valid.
local function options(given, known)
    if type(given) ~= "table" then
        return "the options must be a table, not a " .. type(given)
    end
    for key, value in pairs(given) do
        local test = known[key]
        if not test then
            local which = type(key) == "string" and "\"" .. key .. "\"" or "with the key " .. shown(key)
            return "there is no option " .. which .. "; the options are: " .. names_of(known)
        elseif type(test) == "table" then
            local err = options(value, test)
            if err then
                return "the option \"" .. key .. "\": " .. err
            end
        else
            local ok, wanted, got = test(value)
            if not ok then
                return "the option \"" .. key .. "\" must be " .. wanted .. ", not " .. (got or shown(value))
            end
        end
    end
end
_M.options = options

-- A copy in which options have their present names; former[name] is the present name. An option that is given by both
-- names keeps the former one, which check.options then refuses. A value that is not a table is returned as it is.
function _M.renamed(given, former)
    if type(given) ~= "table" then
        return given
    end
    local copy = {}
    for key, value in pairs(given) do
        local new = former[key]
        copy[new and given[new] == nil and new or key] = value
    end
    return copy
end

return _M
