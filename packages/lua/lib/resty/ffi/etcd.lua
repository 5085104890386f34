-- resty.ffi.etcd: a client of etcd, the official one of Go in libffi_etcd.so.
--
--     local etcd = require "resty.ffi.etcd"
--     local client, code, err = etcd.new{ endpoints = { "127.0.0.1:2379" } }
--     local ok, res, err = client:put("/routes/1", "a value")      -- true, { revision } | false, code, message
--     ok, res, err = client:get("/routes/", { prefix = true })     -- true, { revision, count, more, kvs = { … } }
--
--     local watch = client:watch{ key = "/routes/", prefix = true, revision = res.revision + 1 }
--     ok, res, err = watch:recv(60)                                -- true, { revision, events = { { type, kv } … } }
--     watch:close()
--
--     local is, op = etcd.compare, etcd.op
--     client:txn{ compare = { is.version("/leader", "=", 0) }, success = { op.put("/leader", "me") } }
--
-- Leases, locks and everything else are in docs/etcd.md.

local client = require "resty.ffi.client"
local etcd_client = require "resty.ffi.etcd.client"
local options = require "resty.ffi.etcd.options"
local status = require "resty.ffi.status"
local txn = require "resty.ffi.etcd.txn"

---A client of etcd. docs/etcd.md describes watches, leases, locks, transactions and codes.
---@class resty.ffi.etcd
---@field compare resty.ffi.etcd.compare
---@field op resty.ffi.etcd.op
local _M = { compare = txn.compare, op = txn.op }

local library = client.library("ffi_etcd")

---Sets the options of `ngx.load_ffi` for libffi_etcd.so, such as `isolate`, before its first use.
---@param opts resty.ffi.LoadOptions
---@return true|nil
---@return string|nil message if the library is loaded already
function _M.setup(opts)
    return library:setup(opts)
end

---Makes a client, in any phase: nothing is connected yet.
---@param opts resty.ffi.etcd.Options
---@return resty.ffi.etcd.Client|nil
---@return integer|nil code
---@return string|nil message
function _M.new(opts)
    local settings, timeout = options.of_new(opts)
    if not settings then
        return nil, status.BAD_ARGUMENT, timeout
    end
    local handle, err = library:client(settings, timeout)
    if not handle then
        return nil, status.BAD_ARGUMENT, err
    end
    return etcd_client.new(handle)
end

return _M
