-- The options of connections and calls of resty.ffi.grpc, and as libffi_grpc.so takes them.

local check = require "resty.ffi.check"
local connection = require "resty.ffi.connection"

local find, match = string.find, string.match
local ipairs, pairs, tonumber, tostring, type = ipairs, pairs, tonumber, tostring, type

local _M = {}

local function is_metadata(value)
    local kind = type(value)
    return kind == "string" or kind == "number"
end

-- The library checks which names and texts may be sent.
local function metadata(value)
    local wanted = "a table of strings, numbers, or lists of them, by their names"
    if type(value) ~= "table" then
        return false, wanted
    end
    for name, item in pairs(value) do
        if type(name) ~= "string" then
            return false, wanted, "one with a " .. type(name) .. " for a name"
        elseif type(item) ~= "table" then
            if not is_metadata(item) then
                return false, wanted, "one in which \"" .. name .. "\" is a " .. type(item)
            end
        else
            local items = 0
            for key, part in pairs(item) do
                items = items + 1
                if type(key) ~= "number" or not is_metadata(part) then
                    return false, wanted, "one in which \"" .. name .. "\" has a " .. type(part)
                                          .. " with the key " .. tostring(key)
                end
            end
            if items ~= #item then
                return false, wanted, "one in which the list \"" .. name .. "\" has holes"
            end
        end
    end
    return true
end

local function is_addresses(value)
    if type(value) == "string" then
        return true
    end
    return check.names(value), "\"HOST:PORT\" or a list of them"
end

---Options of a connection. `ca`, `cert`, `priv_key` and `host` are also the former names of the fields of `tls`.
---@class resty.ffi.grpc.Options: resty.ffi.ConnectionOptions
---@field addresses string|string[] `HOST:PORT`, `[IPV6]:PORT`, `unix:PATH`, `https://HOST:PORT`
---@field host? string name of the server in requests; by default that of the address
---@field policy? "round_robin"|"pick_first" which of several servers gets a call
---@field connections? integer to each address
---@field max_message_size? integer bytes, in both directions
---@field max_metadata_size? integer bytes of the headers and of the trailers of an answer
---@field compression? "gzip" of messages that are sent
---@field metadata? table<string, string|number|(string|number)[]> for every call
---@field reflection? boolean asks the server about services that no loaded file has
---@field wait_for_ready? boolean for every call
---@field ca? string former name of `tls.ca`, as a PEM text
---@field cert? string former name of `tls.cert`, as a PEM text
---@field priv_key? string former name of `tls.key`, as a PEM text

---Options of a call.
---@class resty.ffi.grpc.CallOptions: resty.ffi.CallOptions
---@field metadata? table<string, string|number|(string|number)[]>
---@field wait_for_ready? boolean waits within the timeout while no server can be reached
---@field with_metadata? boolean returns the metadata of the answer as one more result

---Metadata of an answer.
---@class resty.ffi.grpc.Metadata
---@field headers table<string, string|string[]>
---@field trailers table<string, string|string[]>
---@field details? table[]|string details of an error, each as an `Any`

local NEW = connection.known({
    addresses = is_addresses,
    host = check.name,
    ca = check.name,
    cert = check.name,
    priv_key = check.name,
    policy = check.one_of("round_robin", "pick_first"),
    connections = check.count,
    max_message_size = check.count,
    max_metadata_size = check.count,
    compression = check.one_of("gzip"),
    metadata = metadata,
    reflection = check.boolean,
    wait_for_ready = check.boolean,
})
-- Of `connect`, whose addresses are an argument.
local CONNECT = {}
for name, test in pairs(NEW) do
    CONNECT[name] = name ~= "addresses" and test or nil
end
-- Fields of `tls`, and their former names, which the runtime uses.
local FORMER_TLS = { { "ca", "ca" }, { "cert", "cert" }, { "key", "priv_key" }, { "server_name", "host" } }
local NONE = {}

-- The options of a call.
_M.CALL = {
    timeout = check.seconds,
    metadata = metadata,
    wait_for_ready = check.boolean,
    with_metadata = check.boolean,
}
-- The options of a call that takes nothing else.
_M.TIMEOUT = { timeout = check.seconds }

-- "https://a:1" → "a:1", true. nil and an error message if the text is not an address.
local function address_of(text)
    if type(text) ~= "string" then
        return nil, "an address must be a string, not a " .. type(text)
    end
    local scheme, rest = match(text, "^(https?)://(.-)/?$")
    local address = rest or text
    local host, port = match(address, "^(.+):(%d+)$")
    local whole = find(address, "^unix:.") or host and (not find(host, "[:%s/]") or find(host, "^%[[%x:.]+%]$"))
                  and tonumber(port) <= 65535
    if not whole then
        return nil, "\"" .. text .. "\" is not an address: write HOST:PORT, [IPV6]:PORT or unix:PATH"
    end
    return address, scheme and scheme == "https"
end

-- The addresses without their schemes, and whether these ask for TLS; nil and an error message if one is wrong.
local function addresses_of(given)
    local list, secure = {}, nil
    for k, text in ipairs(type(given) == "table" and given or { given }) do
        local address, encrypted = address_of(text)
        if not address then
            return nil, encrypted
        elseif secure ~= nil and encrypted ~= nil and secure ~= encrypted then
            return nil, "one of the addresses is https, another http: a connection has one of the two"
        end
        list[k], secure = address, secure or encrypted
    end
    if #list == 0 then
        return nil, "there is not an address: give \"HOST:PORT\" or a list of them"
    end
    return list, secure
end

-- Takes the fields of `tls` under the names that the runtime has for them. Returns an error message if one of them is
-- given by its former name, too.
local function flatten(tls, settings)
    settings.verify = tls.verify
    for _, names in ipairs(FORMER_TLS) do
        local name, former = names[1], names[2]
        if tls[name] then
            if settings[former] then
                return "the options \"tls." .. name .. "\" and \"" .. former .. "\" exclude each other"
            end
            settings[former] = tls[name]
        end
    end
end

-- The options as the runtime takes them, and the timeout of calls; nil and an error message if one is wrong.
local function settings_of(addresses, opts, known)
    local settings, timeout = connection.read(opts, known, NONE)
    if not settings then
        return nil, timeout
    end
    local err
    if settings.tls then
        err = flatten(settings.tls, settings)
        if err then
            return nil, err
        end
    end
    local secure
    settings.addresses, secure = addresses_of(addresses)
    if not settings.addresses then
        return nil, secure
    elseif not settings.cert ~= not settings.priv_key then
        return nil, "the options \"cert\" and \"priv_key\" need each other"
    end
    local encrypted = secure or settings.ca or settings.cert
    if opts.tls == false and encrypted then
        return nil, "the option \"tls\" is false, but an https address or certificates are given"
    end
    settings.tls = settings.tls ~= nil or encrypted ~= nil and encrypted ~= false
    return settings, timeout
end

-- The settings of grpc.new.
function _M.of_new(opts)
    return settings_of(type(opts) == "table" and opts.addresses or nil, opts, NEW)
end

-- Those of grpc.connect.
function _M.of_connect(addresses, opts)
    return settings_of(addresses, opts == nil and {} or opts, CONNECT)
end

return _M
