-- What the chunks of the gRPC tests use.

local grpc = require "resty.ffi.grpc"

local _M = {}

-- A connection; throws the reason if there is no connection.
function _M.connect(...)
    local ok, conn, err = grpc.connect(...)
    return ok and conn or error(err, 2)
end

local function by_text(a, b)
    return tostring(a) < tostring(b)
end

local function text(value)
    if type(value) == "string" then
        return (("%q"):format(value):gsub("[^\32-\126]", function(char)
            return "\\" .. char:byte()
        end))
    elseif value == ngx.null then
        return "null"
    elseif type(value) ~= "table" then
        return tostring(value)
    end
    local keys, parts = {}, {}
    for key in pairs(value) do
        keys[#keys + 1] = key
    end
    table.sort(keys, by_text)
    for k, key in ipairs(keys) do
        local name = type(key) == "number" and value[1] ~= nil and "" or tostring(key) .. "="
        parts[k] = name .. text(value[key])
    end
    return "{" .. table.concat(parts, ",") .. "}"
end

-- All arguments as text.
function _M.show(...)
    local parts = {}
    for k = 1, select("#", ...) do
        parts[k] = text((select(k, ...)))
    end
    return table.concat(parts, " ")
end

return _M
