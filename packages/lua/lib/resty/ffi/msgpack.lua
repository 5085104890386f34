-- Lua values as MessagePack: the messages between the client libraries and their runtimes.
--
--     local text, err = msgpack.encode({ key = "a", limit = 10 })
--     local value, err = msgpack.decode(text)
--
-- Strings hold any bytes. A table with the keys 1, 2, 3, ... is a list, any other table is a map. An empty table is a
-- map unless it is marked: see resty.ffi.lists. A decoded list has the metatable msgpack.list. Whole numbers, int64_t
-- and uint64_t are encoded as integers. An integer from 2^53 on is decoded as a decimal string, since a Lua number
-- would round it. ngx.null is encoded as nil. In a list, nil is decoded as ngx.null; in a map, the key is left out.
-- The extension 0 is decoded as ngx.null everywhere.

local bit = require "bit"
local ffi = require "ffi"
local lists = require "resty.ffi.lists"

local band, rshift = bit.band, bit.rshift
local ffi_copy, ffi_str, ffi_cast, istype = ffi.copy, ffi.string, ffi.cast, ffi.istype
local floor, huge = math.floor, math.huge
local error, ipairs, next, pairs, pcall, setmetatable, sort, tonumber, tostring, type =
    error, ipairs, next, pairs, pcall, setmetatable, table.sort, tonumber, tostring, type
local null = ngx.null
local empty_list, is_marked = lists.empty, lists.is_marked

local MAX_DEPTH = 100
local TOO_DEEP = "nested deeper than " .. MAX_DEPTH .. " tables"
local EXACT = 2 ^ 53
local NAN = 0 / 0
local FIRST_SIZE = 4096
local KEPT_SIZE = 1048576 -- a buffer that has grown beyond this is not kept

local _M = { list = lists.mt }
local list = _M.list

local bytes_type, int64, uint64 = ffi.typeof("uint8_t[?]"), ffi.typeof("int64_t"), ffi.typeof("uint64_t")
local const_bytes = ffi.typeof("const uint8_t *")
local number = ffi.typeof("union { double d; uint8_t b[8]; uint32_t w[2]; int64_t i; uint64_t u; }")()
local float = ffi.typeof("union { float f; uint32_t w; }")()

-- The buffer of the encoder. One is enough: nothing yields while a value is encoded.
local out, size, used = bytes_type(FIRST_SIZE), FIRST_SIZE, 0

local function reserve(n)
    if used + n > size then
        local larger = size
        repeat
            larger = larger * 2
        until used + n <= larger
        local fresh = bytes_type(larger)
        ffi_copy(fresh, out, used)
        out, size = fresh, larger
    end
end

local function put1(tag)
    reserve(1)
    out[used] = tag
    used = used + 1
end

local function put2(tag, value)
    reserve(2)
    out[used], out[used + 1] = tag, value
    used = used + 2
end

local function put3(tag, value)
    reserve(3)
    out[used], out[used + 1], out[used + 2] = tag, rshift(value, 8), band(value, 255)
    used = used + 3
end

local function put5(tag, value)
    reserve(5)
    out[used], out[used + 1], out[used + 2] = tag, floor(value / 16777216), band(floor(value / 65536), 255)
    out[used + 3], out[used + 4] = band(floor(value / 256), 255), band(value, 255)
    used = used + 5
end

-- The eight bytes of `number`, the most significant first. All supported machines are little-endian.
local function put9(tag)
    reserve(9)
    out[used] = tag
    for k = 0, 7 do
        out[used + 1 + k] = number.b[7 - k]
    end
    used = used + 9
end

local function put_size(n, small, limit, tag16, tag32)
    if n < limit then
        put1(small + n)
    elseif n < 65536 then
        put3(tag16, n)
    else
        put5(tag32, n)
    end
end

local function put_string(text)
    local n = #text
    if n >= 32 and n < 256 then
        put2(0xd9, n)
    else
        put_size(n, 0xa0, 32, 0xda, 0xdb)
    end
    reserve(n)
    ffi_copy(out + used, text, n)
    used = used + n
end

local function put_number(value)
    if value == floor(value) and value < 2 ^ 63 and value >= -2 ^ 63 and value ~= huge then
        if value >= 0 then
            if value == 0 and 1 / value < 0 then
                number.d = value
                return put9(0xcb)
            elseif value < 128 then
                return put1(value)
            elseif value < 256 then
                return put2(0xcc, value)
            elseif value < 65536 then
                return put3(0xcd, value)
            elseif value < 2 ^ 32 then
                return put5(0xce, value)
            end
        elseif value >= -32 then
            return put1(256 + value)
        end
        number.i = value
        return put9(0xd3)
    end
    number.d = value
    put9(0xcb)
end

local put

local function by_text(a, b)
    return tostring(a) < tostring(b)
end

local function entries(value)
    local n = 0
    for _ in pairs(value) do
        n = n + 1
    end
    return n
end

local function put_map(value, depth, ordered)
    put_size(entries(value), 0x80, 16, 0xde, 0xdf)
    if ordered then
        local keys = {}
        for key in pairs(value) do
            keys[#keys + 1] = key
        end
        sort(keys, by_text)
        for _, key in ipairs(keys) do
            local err = put(key, depth, true) or put(value[key], depth, true)
            if err then
                return err
            end
        end
        return
    end
    for key, item in next, value do
        local err = put(key, depth) or put(item, depth)
        if err then
            return err
        end
    end
end

local function put_table(value, depth, ordered)
    if depth > MAX_DEPTH then
        return "a table is nested deeper than " .. MAX_DEPTH .. " levels, or holds itself"
    end
    if value[1] == nil and (next(value) ~= nil or not is_marked(value)) then
        return put_map(value, depth, ordered)
    end
    local n = #value
    if entries(value) ~= n then
        return put_map(value, depth, ordered)
    end
    put_size(n, 0x90, 16, 0xdc, 0xdd)
    for k = 1, n do
        local err = put(value[k], depth, ordered)
        if err then
            return err
        end
    end
end

function put(value, depth, ordered)
    local kind = type(value)
    if kind == "string" then
        put_string(value)
    elseif kind == "number" then
        put_number(value)
    elseif kind == "table" then
        return put_table(value, depth + 1, ordered)
    elseif kind == "boolean" then
        put1(value and 0xc3 or 0xc2)
    elseif value == nil or value == null then
        put1(0xc0)
    elseif kind == "cdata" and istype(int64, value) then
        number.i = value
        put9(0xd3)
    elseif kind == "cdata" and istype(uint64, value) then
        number.u = value
        put9(0xcf)
    elseif value == empty_list then
        put1(0x90)
    else
        return "a " .. kind .. " cannot be sent, only strings, numbers, booleans and tables of them"
    end
end

local function finish(err)
    local text = not err and ffi_str(out, used) or nil
    if size > KEPT_SIZE then
        out, size = bytes_type(FIRST_SIZE), FIRST_SIZE
    end
    return text, err
end

-- Encodes a value. Returns nil and an error message when it holds a value that cannot be sent. With `ordered`, equal
-- tables make equal strings.
function _M.encode(value, ordered)
    used = 0
    return finish(put(value, 0, ordered))
end

-- Encodes a list of `count` values, at most 3, any of which may be nil. It makes no table of them.
function _M.encode_list(count, a, b, c)
    used = 0
    put1(0x90 + count)
    local err = put(a, 0)
    if not err and count > 1 then
        err = put(b, 0)
    end
    if not err and count > 2 then
        err = put(c, 0)
    end
    return finish(err)
end

-- The input of the decoder, and the place in it. The functions below throw their errors, and decode catches them.
local text, data, length, at

local function need(n)
    if at + n > length then
        error("it ends in the middle of a value", 0)
    end
end

local function get_uint(n)
    need(n)
    local value = 0
    for k = at, at + n - 1 do
        value = value * 256 + data[k]
    end
    at = at + n
    return value
end

local function get_string(n)
    need(n)
    local value = ffi_str(data + at, n)
    at = at + n
    return value
end

local function get_number()
    need(8)
    for k = 0, 7 do
        number.b[7 - k] = data[at + k]
    end
    at = at + 8
end

-- LuaJIT marks values of other types by NaNs, and takes the bits of a double in a cdata as they are. A NaN with other
-- bits than LuaJIT's own would become a value of any type, with an address that the sender chooses.
local function get_double()
    get_number()
    local high = number.w[1]
    if band(high, 0x7ff00000) == 0x7ff00000 and (band(high, 0xfffff) ~= 0 or number.w[0] ~= 0) then
        return NAN
    end
    return number.d
end

local function get_float()
    float.w = get_uint(4)
    if band(float.w, 0x7f800000) == 0x7f800000 and band(float.w, 0x7fffff) ~= 0 then
        return NAN
    end
    return float.f
end

-- The depth of the values inside a table at this depth.
local function deeper(depth)
    if depth == MAX_DEPTH then
        error(TOO_DEEP, 0)
    end
    return depth + 1
end

local get

local function get_list(n, depth)
    need(n)
    depth = deeper(depth)
    local value = setmetatable({}, list)
    for k = 1, n do
        local item = get(depth)
        if item == nil then
            item = null
        end
        value[k] = item
    end
    return value
end

local function get_map(n, depth)
    need(n)
    depth = deeper(depth)
    local value = {}
    for _ = 1, n do
        local key = get(depth)
        if key == nil or key ~= key then
            error("a map has nil or NaN as a key", 0)
        end
        value[key] = get(depth)
    end
    return value
end

local function wide(exact, cdata)
    if exact > -EXACT and exact < EXACT then -- the bound is excluded: 2^53 + 1 is rounded to 2^53
        return exact
    end
    return (tostring(cdata):gsub("U?LL$", ""))
end

local sized = {
    [0xc4] = function() return get_string(get_uint(1)) end,
    [0xc5] = function() return get_string(get_uint(2)) end,
    [0xc6] = function() return get_string(get_uint(4)) end,
    [0xca] = get_float,
    [0xcb] = get_double,
    [0xcc] = function() return get_uint(1) end,
    [0xcd] = function() return get_uint(2) end,
    [0xce] = function() return get_uint(4) end,
    [0xcf] = function()
        get_number()
        return wide(tonumber(number.u), number.u)
    end,
    [0xd0] = function()
        local value = get_uint(1)
        return value < 128 and value or value - 256
    end,
    [0xd1] = function()
        local value = get_uint(2)
        return value < 32768 and value or value - 65536
    end,
    [0xd2] = function()
        local value = get_uint(4)
        return value < 2 ^ 31 and value or value - 2 ^ 32
    end,
    [0xd3] = function()
        get_number()
        return wide(tonumber(number.i), number.i)
    end,
    [0xd4] = function()
        if get_uint(2) ~= 0 then
            error("it has an unknown extension", 0)
        end
        return null
    end,
    [0xd9] = function() return get_string(get_uint(1)) end,
    [0xda] = function() return get_string(get_uint(2)) end,
    [0xdb] = function() return get_string(get_uint(4)) end,
    [0xdc] = function(depth) return get_list(get_uint(2), depth) end,
    [0xdd] = function(depth) return get_list(get_uint(4), depth) end,
    [0xde] = function(depth) return get_map(get_uint(2), depth) end,
    [0xdf] = function(depth) return get_map(get_uint(4), depth) end,
}

function get(depth)
    need(1)
    local tag = data[at]
    at = at + 1
    if tag < 0x80 then
        return tag
    elseif tag >= 0xe0 then
        return tag - 256
    elseif tag >= 0xa0 and tag < 0xc0 then
        return get_string(tag - 0xa0)
    elseif tag == 0xc0 then
        return nil
    elseif tag == 0xc2 then
        return false
    elseif tag == 0xc3 then
        return true
    elseif tag < 0x90 then
        return get_map(tag - 0x80, depth)
    elseif tag < 0xa0 then
        return get_list(tag - 0x90, depth)
    end
    local read = sized[tag]
    if not read then
        error("it has a value of an unknown type", 0)
    end
    return read(depth)
end

local function get_all()
    local value = get(0)
    if at < length then
        error("something follows it", 0)
    end
    return value
end

-- Decodes a string. Returns nil and an error message when the string is not valid MessagePack, or is nested too
-- deeply. A decoded nil comes without a message.
function _M.decode(source)
    text, length, at = source, #source, 0
    data = ffi_cast(const_bytes, text)
    local ok, value = pcall(get_all)
    text, data = nil, nil
    if not ok then
        return nil, value == TOO_DEEP and value or "not MessagePack: " .. tostring(value)
    end
    return value
end

return _M
