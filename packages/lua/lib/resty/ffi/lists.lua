-- How a table is marked as a list where its content does not tell: as lua-cjson does, if there is one that has marks.
--
-- A list that arrives has cjson.array_mt as its metatable, so that cjson.encode writes [] for an empty one, and not {}.
-- Of a table that is sent, that one, cjson.empty_array_mt and dkjson's __jsontype say that it is a list if it is empty;
-- cjson.empty_array is an empty list.

local getmetatable, pcall, require, type = getmetatable, pcall, require, type

-- A lua-cjson that is not OpenResty's, as that of Debian 12, has no marks: it writes {} for any empty table.
local found, cjson = pcall(require, "cjson")
if not found or type(cjson) ~= "table" then
    cjson = {}
end

local _M = {
    mt = type(cjson.array_mt) == "table" and cjson.array_mt or { __jsontype = "array" },
    empty = cjson.empty_array,
}
local array_mt, empty_array_mt = _M.mt, cjson.empty_array_mt

-- Whether the table, which is empty, is a list.
function _M.is_marked(value)
    local mt = getmetatable(value)
    return type(mt) == "table" and (mt == array_mt or mt == empty_array_mt or mt.__jsontype == "array")
end

return _M
