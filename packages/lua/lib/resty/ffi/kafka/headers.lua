-- The headers of a Kafka record: a list of { key, value } in their order. A key may come twice, and a value may be
-- ngx.null, which is not "".
--
--     record.headers:get("kind")   -- the value of the last header of this key; nil without one
--     record.headers:all("kind")   -- the values of all of them, in their order

local ipairs, pairs, setmetatable, type = ipairs, pairs, setmetatable, type
local null = ngx.null

local WANTED = "a list of { key, value }, or a table of strings by their keys"

---The headers of a record: a list of `{ key, value }`.
---@class resty.ffi.kafka.Headers
local Headers = {}
Headers.__index = Headers

---The value of the last header of this key.
---@param key string
---@return string|userdata|nil value `ngx.null` for null, nil if there is no such header
function Headers:get(key)
    for k = #self, 1, -1 do
        if self[k][1] == key then
            return self[k][2]
        end
    end
end

---The values of all headers of this key, in their order.
---@param key string
---@return (string|userdata)[]
function Headers:all(key)
    local values = {}
    for _, header in ipairs(self) do
        if header[1] == key then
            values[#values + 1] = header[2]
        end
    end
    return values
end

local _M = {}

-- The headers of a record that was received: a list, or ngx.null without any.
function _M.of(list)
    return setmetatable(list ~= null and list or {}, Headers)
end

-- Whether a value can be sent as headers, and which values can.
function _M.check(value)
    if type(value) ~= "table" then
        return false, WANTED
    end
    local list = value[1] ~= nil
    for key, item in pairs(value) do
        if list and type(item) == "table" then
            local text = item[2]
            if type(key) ~= "number" or type(item[1]) ~= "string" or item[3] ~= nil
               or not (text == nil or text == null or type(text) == "string") then
                return false, WANTED
            end
        elseif list or type(key) ~= "string" or type(item) ~= "string" then
            return false, WANTED
        end
    end
    return true
end

return _M
