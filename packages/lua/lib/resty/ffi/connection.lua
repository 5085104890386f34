-- The options that resty.ffi.grpc, resty.ffi.etcd and resty.ffi.kafka have in common, under the same names.

local check = require "resty.ffi.check"
local file = require "resty.ffi.file"

local find = string.find
local ipairs, pairs, type = ipairs, pairs, type

---TLS of a connection. `ca`, `cert` and `key` are PEM texts or paths of files, which are read when the object is made.
---@class resty.ffi.TlsOptions
---@field ca? string authorities to trust; by default those of the system
---@field cert? string certificate of the client
---@field key? string private key of `cert`
---@field server_name? string name in the certificate of the server; by default that of the address
---@field verify? boolean false: trust any server

---Options of every client.
---@class resty.ffi.ConnectionOptions
---@field tls? boolean|resty.ffi.TlsOptions `true`: TLS with the authorities of the system
---@field timeout? number seconds of a call that has none of its own; 5 by default
---@field connect_timeout? number seconds until an attempt to connect is given up
---@field keepalive? number seconds until a silent connection is probed
---@field keepalive_timeout? number seconds until a connection whose probe is not answered is given up
---@field idle_timeout? number seconds after the last use until the connection is closed; 60 by default

local TLS = {
    ca = check.name,
    cert = check.name,
    key = check.name,
    server_name = check.name,
    verify = check.boolean,
}
local PEMS = { "ca", "cert", "key" }

local function is_tls(value)
    return type(value) == "boolean" or type(value) == "table",
           "a boolean or a table of ca, cert, key, server_name and verify"
end

local COMMON = {
    tls = is_tls,
    timeout = check.seconds,
    connect_timeout = check.seconds,
    idle_timeout = check.seconds,
    keepalive = check.seconds,
    keepalive_timeout = check.seconds,
}

local _M = {}

-- The options of one library, as check.options takes them, and those in common.
function _M.known(own)
    local all = {}
    for _, tests in ipairs({ COMMON, own }) do
        for name, test in pairs(tests) do
            all[name] = test
        end
    end
    return all
end

-- A copy of the option `tls` with the texts of the files that it names. nil and an error message if it is wrong.
local function tls_of(given)
    local err = check.options(given, TLS)
    if err then
        return nil, "the option \"tls\": " .. err
    elseif not given.cert ~= not given.key then
        return nil, "the options \"tls.cert\" and \"tls.key\" need each other"
    end
    local tls = { server_name = given.server_name, verify = given.verify }
    for _, name in ipairs(PEMS) do
        local text = given[name]
        if text and not find(text, "-----BEGIN", 1, true) then
            text, err = file.read(text)
            if not text then
                return nil, "the option \"tls." .. name .. "\" is neither PEM nor a file that can be read: " .. err
            end
        end
        tls[name] = text
    end
    return tls
end

-- Checks the options of a constructor. Returns a copy in which they have their present names and `tls` is a table of
-- PEM texts or nil, and `timeout` apart from them: it belongs to calls, and not to the connection. Returns nil and an
-- error message if an option is wrong.
function _M.read(given, known, former)
    local options = check.renamed(given, former)
    local err = check.options(options, known)
    if err then
        return nil, err
    end
    local tls, timeout = options.tls, options.timeout
    options.tls, options.timeout = nil, nil
    if tls then
        options.tls, err = tls_of(tls == true and {} or tls)
        if err then
            return nil, err
        end
    end
    return options, timeout
end

return _M
