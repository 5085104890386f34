-- The methods of a client of resty.ffi.etcd.

local check = require "resty.ffi.check"
local options = require "resty.ffi.etcd.options"
local status = require "resty.ffi.status"
local streams = require "resty.ffi.etcd.streams"
local txn_body = require("resty.ffi.etcd.txn").body

local setmetatable, type = setmetatable, type

local add, no_pair, no_string = options.add, options.no_pair, options.no_string
local BAD_ARGUMENT = status.BAD_ARGUMENT
local USUAL_TIMEOUT = 5 -- of ngx.load_ffi
local USUAL_TTL = 60 -- of the lease of a lock

---A client of etcd. Its functions take `timeout` among their options: the seconds that they wait, 5 by default.
---@class resty.ffi.etcd.Client
local Client = {}
Client.__index = Client

-- A client of a handle that resty.ffi.client has made.
local function new(handle)
    return setmetatable({ handle = handle }, Client)
end

local function refused(err)
    return false, BAD_ARGUMENT, err
end

local function call(self, method, body, opts, known)
    local err = add(body, opts, known)
    if err then
        return refused(err)
    end
    return self.handle:call(method, body, opts and opts.timeout and { timeout = opts.timeout })
end

-- How many seconds opening a stream may take.
local function seconds_of(self, opts)
    local of_library = self.handle.library.opts
    return opts and opts.timeout or self.handle.timeout or of_library and of_library.timeout or USUAL_TIMEOUT
end

---Makes this object refuse further calls. The connection itself is closed `idle_timeout` seconds after the last use by
---any client with the same options.
---@return true
function Client:close()
    return self.handle:close()
end

---A key and its value.
---@class resty.ffi.etcd.KeyValue
---@field key string
---@field value string
---@field create_revision integer
---@field mod_revision integer
---@field version integer
---@field lease? string id of the lease of the key

---@class resty.ffi.etcd.GetResult
---@field revision integer
---@field count integer number of keys in the range
---@field more boolean whether `limit` left keys out
---@field kvs resty.ffi.etcd.KeyValue[]

---Reads keys.
---@param key string
---@param opts? resty.ffi.etcd.GetOptions
---@return boolean ok
---@return resty.ffi.etcd.GetResult|integer result the code if it failed
---@return string|nil message
function Client:get(key, opts)
    if type(key) ~= "string" then
        return refused(no_string("the key", key))
    end
    return call(self, "get", { key = key }, opts, options.GET_CALL)
end

---Writes a key. The result is `{ revision, prev_kv }`.
---@param key string
---@param value? string nil only with `ignore_value`
---@param opts? resty.ffi.etcd.PutOptions
---@return boolean ok
---@return table|integer result the code if it failed
---@return string|nil message
function Client:put(key, value, opts)
    local err = no_pair(key, value, opts)
    if err then
        return refused(err)
    end
    return call(self, "put", { key = key, value = value }, opts, options.PUT_CALL)
end

---Deletes keys. The result is `{ revision, deleted, prev_kvs }`.
---@param key string
---@param opts? resty.ffi.etcd.DeleteOptions
---@return boolean ok
---@return table|integer result the code if it failed
---@return string|nil message
function Client:delete(key, opts)
    if type(key) ~= "string" then
        return refused(no_string("the key", key))
    end
    return call(self, "delete", { key = key }, opts, options.DELETE_CALL)
end

---Does a transaction. The result is `{ revision, succeeded, responses }`; a response is the result of the function of
---that name, without a revision of its own.
---@param txn resty.ffi.etcd.Transaction
---@param opts? resty.ffi.CallOptions
---@return boolean ok
---@return table|integer result the code if it failed
---@return string|nil message
function Client:txn(txn, opts)
    local body, err = txn_body(txn)
    if not body then
        return refused(err)
    end
    return call(self, "txn", body, opts, options.CALL)
end

---Discards what is older than a revision: it cannot be read or watched any more.
---@param revision integer
---@param opts? { physical?: boolean, timeout?: number } `physical`: wait until the space is free
---@return boolean ok
---@return table|integer result the code if it failed
---@return string|nil message
function Client:compact(revision, opts)
    if not check.index(revision) then
        return refused("the revision must be a whole number from 0 on")
    end
    return call(self, "compact", { revision = revision }, opts, options.COMPACT)
end

---Opens a watch. Returns when etcd has created it: no later event is missed.
---@param what resty.ffi.etcd.WatchOptions
---@param opts? resty.ffi.CallOptions of opening it
---@return resty.ffi.etcd.Watch|nil
---@return integer|nil code
---@return string|nil message
function Client:watch(what, opts)
    local given = check.renamed(what, options.FORMER_OF_WATCH)
    local err = check.options(given, options.WATCH) or opts ~= nil and check.options(opts, options.CALL) or nil
    if not err and not given.key then
        err = "the option \"key\" is missing"
    end
    if err then
        return nil, BAD_ARGUMENT, err
    end
    return streams.watch(self.handle, given, seconds_of(self, opts))
end

---A lease. Ids are decimal strings.
---@class resty.ffi.etcd.Lease
---@field id string
---@field ttl integer seconds to live
---@field granted_ttl? integer only of `time_to_live`
---@field keys? string[] only of `time_to_live`

local function lease_call(self, method, id, opts, known)
    if type(id) ~= "string" then
        return refused(no_string("the id of a lease", id))
    end
    return call(self, method, { id = id }, opts, known)
end

---Grants a lease.
---@param ttl integer seconds to live
---@param opts? { keep_alive?: boolean, timeout?: number } `keep_alive`: the client renews the lease until it is revoked
---@return boolean ok
---@return resty.ffi.etcd.Lease|integer lease the code if it failed
---@return string|nil message
function Client:grant(ttl, opts)
    if not check.count(ttl) then
        return refused("the time to live must be a whole number of seconds from 1 on")
    end
    return call(self, "grant", { ttl = ttl }, opts, options.GRANT)
end

---Ends a lease and deletes its keys.
---@param id string
---@param opts? resty.ffi.CallOptions
---@return boolean ok
---@return table|integer result the code if it failed
---@return string|nil message
function Client:revoke(id, opts)
    return lease_call(self, "revoke", id, opts, options.CALL)
end

---Reads how long a lease lives, and its keys.
---@param id string
---@param opts? { keys?: boolean, timeout?: number }
---@return boolean ok
---@return resty.ffi.etcd.Lease|integer lease the code if it failed
---@return string|nil message
function Client:time_to_live(id, opts)
    return lease_call(self, "time_to_live", id, opts, options.TIME_TO_LIVE)
end

---Renews a lease once.
---@param id string
---@param opts? resty.ffi.CallOptions
---@return boolean ok
---@return resty.ffi.etcd.Lease|integer lease the code if it failed
---@return string|nil message
function Client:keep_alive_once(id, opts)
    return lease_call(self, "keep_alive_once", id, opts, options.CALL)
end

---Lists the ids of all leases.
---@param opts? resty.ffi.CallOptions
---@return boolean ok
---@return string[]|integer ids the code if it failed
---@return string|nil message
function Client:leases(opts)
    return call(self, "leases", {}, opts, options.CALL)
end

---Keeps a lease alive as long as the returned object is open.
---@param id string
---@param opts? resty.ffi.CallOptions of the first renewal
---@return resty.ffi.etcd.KeepAlive|nil
---@return integer|nil code
---@return string|nil message
function Client:keep_alive(id, opts)
    local err = type(id) ~= "string" and no_string("the id of a lease", id)
                or opts ~= nil and check.options(opts, options.CALL) or nil
    if err then
        return nil, BAD_ARGUMENT, err
    end
    return streams.keep_alive(self.handle, id, seconds_of(self, opts))
end

---Takes a lock. `ttl` are the seconds after which the lock of a worker that died is free, `try` waits for no other
---holder: code 10 if there is one. On success the lock is the second result as well, for programs that were written
---for `true, lock`.
---@param name string
---@param opts? { ttl?: integer, try?: boolean, timeout?: number }
---@return resty.ffi.etcd.Lock|nil
---@return resty.ffi.etcd.Lock|integer code
---@return string|nil message
function Client:lock(name, opts)
    local err = type(name) ~= "string" and no_string("the name", name)
                or opts ~= nil and check.options(opts, options.LOCK) or nil
    if err then
        return nil, BAD_ARGUMENT, err
    end
    local body = { name = name, ttl = opts and opts.ttl or USUAL_TTL, try = opts and opts.try }
    local lock, code
    lock, code, err = streams.lock(self.handle, body, seconds_of(self, opts))
    return lock, lock or code, err
end

---Reads the status of one member.
---@param endpoint? string by default the first one
---@param opts? resty.ffi.CallOptions
---@return boolean ok
---@return table|integer status the code if it failed
---@return string|nil message
function Client:status(endpoint, opts)
    if endpoint ~= nil and type(endpoint) ~= "string" then
        return refused(no_string("the endpoint", endpoint))
    end
    return call(self, "status", { endpoint = endpoint }, opts, options.CALL)
end

---Lists the members: `{ id, name, client_urls, peer_urls, is_learner }`.
---@param opts? resty.ffi.CallOptions
---@return boolean ok
---@return table[]|integer members the code if it failed
---@return string|nil message
function Client:members(opts)
    return call(self, "members", {}, opts, options.CALL)
end

---Lists the endpoints that the client uses.
---@param opts? resty.ffi.CallOptions
---@return boolean ok
---@return string[]|integer endpoints the code if it failed
---@return string|nil message
function Client:endpoints(opts)
    return call(self, "endpoints", {}, opts, options.CALL)
end

return { new = new }
