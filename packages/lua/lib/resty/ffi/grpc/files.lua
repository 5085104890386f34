-- The .proto files and descriptor sets of this Lua VM. The runtime of resty.ffi.grpc compiles them.

local check = require "resty.ffi.check"
local file = require "resty.ffi.file"
local msgpack = require "resty.ffi.msgpack"

local concat = table.concat
local find, gmatch, match, sub = string.find, string.gmatch, string.match, string.sub
local ipairs, type = ipairs, type
local null = ngx.null

---@class resty.ffi.grpc.FileOptions
---@field include? string[] folders that imports are searched in

local OPTIONS = { include = check.names }
-- Descriptor sets, as protoc --descriptor_set_out writes them.
local SETS = { pb = true, desc = true, protoset = true, binpb = true }

local _M = {}

local texts, numbers = {}, {} -- each text once; its number by the text
local units = {} -- what was loaded: { path, name of the file, { name = number } }, or { path, null, number } for a set
local loaded = {} -- by path and folders, or by name and text: what is loaded already
local named = {} -- the number of the last text of a name, for imports
local version, encoded = 0, nil

local function number_of(text)
    if not numbers[text] then
        texts[#texts + 1] = text
        numbers[text] = #texts
    end
    return numbers[text]
end

local function from(folders, name)
    for _, folder in ipairs(folders) do
        local text = file.read(folder .. "/" .. name)
        if text then
            return text
        end
    end
end

-- Adds a file and its imports to `found`. The compiler reports the imports that are not found, with their lines. An
-- import inside a comment does no harm.
local function collect(name, text, folders, found)
    found[name] = number_of(text)
    for _, pattern in ipairs({ "import%s*[\"']([^\"'\n]+)[\"']", "import%s+%a+%s*[\"']([^\"'\n]+)[\"']" }) do
        for import in gmatch(text, pattern) do
            if not found[import] and not find(import, "^google/protobuf/") then
                local imported = from(folders, import) or texts[named[import] or 0]
                if imported then
                    collect(import, imported, folders, found)
                end
            end
        end
    end
end

local function add(path, name, text, folders)
    local unit
    if SETS[match(name, "%.(%w+)$") or ""] then
        unit = { path, null, number_of(text) }
    else
        local found = {}
        collect(name, text, folders, found)
        unit = { path, name, found }
        named[name] = number_of(text)
    end
    units[#units + 1] = unit
    version, encoded = version + 1, nil
end

-- The text of a file, its name for imports, and the folders that its imports are searched in; nil and an error message.
local function locate(path, folders)
    local text, err = file.read(path)
    if not text then
        text = from(folders, path) -- protoc takes such a path, too
        return text, text and path or "cannot load " .. err, folders
    end
    local own, name = match(path, "^(.*)/([^/]+)$")
    local search = {}
    for k, folder in ipairs(folders) do
        local prefix = match(folder, "^(.-)/*$") .. "/"
        if sub(path, 1, #prefix) == prefix then
            return text, sub(path, #prefix + 1), folders
        end
        search[k] = folder
    end
    search[#search + 1] = own or "."
    return text, name or path, search
end

local function options_of(opts)
    local err = opts ~= nil and check.options(opts, OPTIONS) or nil
    return not err and (opts and opts.include or {}), err
end

-- Imports are searched in the folders of opts.include, and then in that of the file. true; nil and an error message.
function _M.loadfile(path, opts)
    if type(path) ~= "string" or path == "" then
        return nil, "the path must be a string that is not empty, not a " .. type(path)
    end
    local folders, err = options_of(opts)
    if err then
        return nil, err
    end
    local key = path .. "\0" .. concat(folders, "\0")
    if loaded[key] then
        return true
    end
    local text, name, search = locate(path, folders)
    if not text then
        return nil, name
    end
    add(path, name, text, search)
    loaded[key] = true
    return true
end

-- The same for a text, which imports from opts.include and from what is loaded already.
function _M.load(text, name, opts)
    if type(text) ~= "string" then
        return nil, "what is loaded must be a string, not a " .. type(text)
    elseif name ~= nil and (type(name) ~= "string" or name == "") then
        return nil, "the name must be a string that is not empty, not a " .. type(name)
    end
    local folders, err = options_of(opts)
    if err then
        return nil, err
    end
    name = name or "text.proto"
    local key = name .. "\0" .. text
    if not loaded[key] then
        add(name, name, text, folders)
        loaded[key] = true
    end
    return true
end

-- A number that grows with each file.
function _M.version()
    return version
end

-- The input of the runtime's compiler: the texts, then the units.
function _M.encoded()
    encoded = encoded or msgpack.encode(texts) .. msgpack.encode(units)
    return encoded
end

return _M
