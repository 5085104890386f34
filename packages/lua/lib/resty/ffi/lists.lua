-- Marks of empty lists, which look like empty maps. They are those of OpenResty's lua-cjson, if it is there.
--
-- A list that arrives has the metatable cjson.array_mt, so that cjson.encode writes [] for an empty one, and not {}.
-- An empty table that is sent is a list if its metatable is cjson.array_mt or cjson.empty_array_mt, or has dkjson's
-- __jsontype "array". cjson.empty_array is an empty list.

local getmetatable, pcall, require, type = getmetatable, pcall, require, type

-- Any other lua-cjson, such as that of Debian 12, has no marks: it writes {} for every empty table.
local found, cjson = pcall(require, "cjson")
if not found or type(cjson) ~= "table" then
    cjson = {}
end

local _M = {
    mt = type(cjson.array_mt) == "table" and cjson.array_mt or { __jsontype = "array" },
    empty = cjson.empty_array,
}
local array_mt, empty_array_mt = _M.mt, cjson.empty_array_mt

-- Whether an empty table is marked as a list.
function _M.is_marked(value)
    local mt = getmetatable(value)
    return type(mt) == "table" and (mt == array_mt or mt == empty_array_mt or mt.__jsontype == "array")
end

return _M
