-- Enough JSON to answer with: strings, numbers, booleans, lists and flat objects. (cjson is not part of ngx_lua.)

local format, gsub, byte = string.format, string.gsub, string.byte
local concat, sort = table.concat, table.sort

local function quote(text)
    return '"' .. gsub(text, '[%c"\\]', function(c)
        return format("\\u%04x", byte(c))
    end) .. '"'
end

local function encode(value)
    local kind = type(value)
    if kind == "string" then
        return quote(value)
    elseif kind == "number" then
        return format("%.14g", value)
    elseif kind == "boolean" then
        return tostring(value)
    elseif kind ~= "table" then
        return "null"
    end
    local parts = {}
    if #value > 0 then
        for k, item in ipairs(value) do
            parts[k] = encode(item)
        end
        return "[" .. concat(parts, ",") .. "]"
    end
    local keys = {}
    for key in pairs(value) do
        keys[#keys + 1] = key
    end
    sort(keys)
    for k, key in ipairs(keys) do
        parts[k] = quote(key) .. ":" .. encode(value[key])
    end
    return "{" .. concat(parts, ",") .. "}"
end

return { encode = encode }
