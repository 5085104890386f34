-- What the chunks of the etcd tests use: results as JSON, and waiting for a condition.

local list = require("resty.ffi.msgpack").list

local _M = {}

local function escaped(char)
    return ("\\u%04x"):format(char:byte())
end

local function json(value)
    local kind = type(value)
    if kind == "number" or kind == "boolean" then
        return tostring(value)
    elseif value == nil or value == ngx.null then
        return "null"
    elseif kind == "string" then
        return '"' .. value:gsub('[%c"\\\128-\255]', escaped) .. '"'
    elseif kind ~= "table" then
        return json(tostring(value))
    end
    local parts = {}
    if value[1] ~= nil or getmetatable(value) == list then
        for k = 1, #value do
            parts[k] = json(value[k])
        end
        return "[" .. table.concat(parts, ",") .. "]"
    end
    for key, item in pairs(value) do
        if key ~= "stream" then
            parts[#parts + 1] = json(tostring(key)) .. ":" .. json(item)
        end
    end
    return "{" .. table.concat(parts, ",") .. "}"
end

-- All arguments as a JSON list; nil is null.
function _M.all(...)
    local parts = {}
    for k = 1, select("#", ...) do
        parts[k] = json((select(k, ...)))
    end
    return "[" .. table.concat(parts, ",") .. "]"
end

-- Calls f until it returns a true value. Throws after 20 seconds.
function _M.wait_until(what, f)
    for _ = 1, 2000 do
        if f() then
            return
        end
        ngx.sleep(0.01)
    end
    error("it never happened: " .. what, 2)
end

return _M
