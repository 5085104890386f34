-- Encodes and decodes random values, and decodes texts that are damaged in one place. Returns how many of these are
-- refused.

local msgpack = require "resty.ffi.msgpack"

local random = math.random

local function value(depth)
    local kind = random(depth > 4 and 5 or 7)
    if kind == 1 then
        return random() < 0.5
    elseif kind == 2 then
        return random(-2 ^ 31, 2 ^ 31)
    elseif kind == 3 then
        return random() * 2 ^ random(0, 52)
    elseif kind == 4 then
        return ("x"):rep(random(0, 300))
    elseif kind == 5 then
        return "\255\0" .. random(1000)
    end
    local t = {}
    for k = 1, random(0, 20) do
        t[kind == 6 and k or "k" .. k] = value(depth + 1)
    end
    return t
end

local function same(a, b)
    if type(a) ~= "table" then
        return a == b
    end
    for key, item in pairs(a) do
        if not same(item, b[key]) then
            return false
        end
    end
    for key in pairs(b) do
        if a[key] == nil then
            return false
        end
    end
    return true
end

return function(times)
    local refused = 0
    for _ = 1, times do
        local v = value(1)
        local text = assert(msgpack.encode(v))
        assert(same(v, msgpack.decode(text)))
        local at = random(#text)
        local broken = text:sub(1, at - 1) .. string.char(random(0, 255)) .. text:sub(at + random(0, 2))
        local _, err = msgpack.decode(broken)
        if err then
            refused = refused + 1
        end
    end
    return refused
end
