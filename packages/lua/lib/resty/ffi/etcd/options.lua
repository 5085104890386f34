-- The options that resty.ffi.etcd takes, as check.options knows them.

local check = require "resty.ffi.check"
local connection = require "resty.ffi.connection"

local ipairs, next, pairs, type = ipairs, next, pairs, type

---Options of a client. `username`, `dial_timeout` and `keepalive_time` are former names of `user`, `connect_timeout`
---and `keepalive`.
---@class resty.ffi.etcd.Options: resty.ffi.ConnectionOptions
---@field endpoints string[] `host:port`, `http://…`, `https://…` or `unix:///path`
---@field user? string
---@field password? string
---@field namespace? string comes before all keys, and answers do not have it
---@field auto_sync_interval? number seconds between updates of the endpoints from the members of the cluster
---@field max_send_bytes? integer of a request
---@field max_receive_bytes? integer of an answer

---The keys that an operation is for. Without a field it is the key alone.
---@class resty.ffi.etcd.RangeOptions
---@field prefix? boolean all keys that begin with the key
---@field range_end? string the keys from the key up to this one, without it

---Options of `get`.
---@class resty.ffi.etcd.GetOptions: resty.ffi.etcd.RangeOptions
---@field timeout? number seconds; not in a transaction
---@field limit? integer number of keys
---@field revision? integer reads the keys as they were at this revision
---@field sort? "key"|"value"|"version"|"create_revision"|"mod_revision"
---@field descending? boolean
---@field keys_only? boolean
---@field count_only? boolean
---@field serializable? boolean reads from one member, which may be behind the others
---@field min_mod_revision? integer
---@field max_mod_revision? integer
---@field min_create_revision? integer
---@field max_create_revision? integer

---Options of `put`.
---@class resty.ffi.etcd.PutOptions
---@field timeout? number seconds; not in a transaction
---@field lease? string id of a lease: the key ends with it
---@field prev_kv? boolean returns what the key had before
---@field ignore_value? boolean keeps the value of the key
---@field ignore_lease? boolean keeps the lease of the key

---Options of `delete`.
---@class resty.ffi.etcd.DeleteOptions: resty.ffi.etcd.RangeOptions
---@field timeout? number seconds; not in a transaction
---@field prev_kv? boolean returns what the keys had before

---What a watch is for. `is_prefix`, `range`, `rev` and `prev` are former names of `prefix`, `range_end`, `revision` and
---`prev_kv`.
---@class resty.ffi.etcd.WatchOptions: resty.ffi.etcd.RangeOptions
---@field key string
---@field revision? integer begins with the events of this revision
---@field prev_kv? boolean events have what the keys had before
---@field progress_notify? boolean etcd reports now and then how far the watch is
---@field filters? ("noput"|"nodelete")[] events to leave out
---@field timeout? number seconds that the watch lasts

local GET = {
    prefix = check.boolean,
    range_end = check.string,
    limit = check.index,
    revision = check.index,
    sort = check.one_of("key", "value", "version", "create_revision", "mod_revision"),
    descending = check.boolean,
    keys_only = check.boolean,
    count_only = check.boolean,
    serializable = check.boolean,
    min_mod_revision = check.index,
    max_mod_revision = check.index,
    min_create_revision = check.index,
    max_create_revision = check.index,
}
local PUT = {
    lease = check.name,
    prev_kv = check.boolean,
    ignore_value = check.boolean,
    ignore_lease = check.boolean,
}
local DELETE = { prefix = check.boolean, range_end = check.string, prev_kv = check.boolean }
local NONE = {}

local function filters(value)
    local ok = check.names(value)
    for _, item in ipairs(ok and value or NONE) do
        ok = ok and (item == "noput" or item == "nodelete")
    end
    return ok, "a list of \"noput\", \"nodelete\""
end

local function with_timeout(known)
    local all = { timeout = check.seconds }
    for name, test in pairs(known) do
        all[name] = test
    end
    return all
end

local NEW = connection.known({
    endpoints = check.names,
    user = check.name,
    password = check.name,
    namespace = check.string,
    auto_sync_interval = check.seconds,
    max_send_bytes = check.count,
    max_receive_bytes = check.count,
})
-- Former names, and those of lua-resty-ffi-etcd.
local FORMER = { username = "user", dial_timeout = "connect_timeout", keepalive_time = "keepalive" }

local _M = {
    RANGE = { prefix = check.boolean, range_end = check.string },
    -- Of the operations in a transaction.
    GET = GET,
    PUT = PUT,
    DELETE = DELETE,
    -- Of calls.
    CALL = with_timeout(NONE),
    GET_CALL = with_timeout(GET),
    PUT_CALL = with_timeout(PUT),
    DELETE_CALL = with_timeout(DELETE),
    COMPACT = with_timeout({ physical = check.boolean }),
    GRANT = with_timeout({ keep_alive = check.boolean }),
    TIME_TO_LIVE = with_timeout({ keys = check.boolean }),
    LOCK = with_timeout({ ttl = check.count, try = check.boolean }),
    WATCH = {
        key = check.string,
        prefix = check.boolean,
        range_end = check.string,
        revision = check.index,
        prev_kv = check.boolean,
        progress_notify = check.boolean,
        filters = filters,
        timeout = check.seconds,
    },
    -- The names of lua-resty-ffi-etcd.
    FORMER_OF_WATCH = { is_prefix = "prefix", range = "range_end", rev = "revision", prev = "prev_kv" },
    RECV = { timeout = check.patience },
}

-- The options of etcd.new and the timeout of calls; nil and an error message if an option is wrong.
function _M.of_new(opts)
    local options, timeout = connection.read(opts, NEW, FORMER)
    if not options then
        return nil, timeout
    elseif not options.endpoints or #options.endpoints == 0 then
        return nil, "the option \"endpoints\" is missing: a list of addresses such as \"127.0.0.1:2379\""
    elseif not options.user ~= not options.password then
        return nil, "the options \"user\" and \"password\" need each other"
    end
    return options, timeout
end

-- Adds options to a body. Returns an error message if one is wrong. The timeout is not sent to etcd.
function _M.add(body, opts, known)
    if opts == nil then
        return
    end
    local err = check.options(opts, known)
    if err then
        return err
    end
    for name, value in next, opts do
        if name ~= "timeout" then
            body[name] = value
        end
    end
end

-- An error message for a value that must be a string.
function _M.no_string(what, value)
    return what .. " must be a string, not a " .. type(value)
end

-- What is wrong with a key and a value that are to be put.
function _M.no_pair(key, value, opts)
    if type(key) ~= "string" then
        return _M.no_string("the key", key)
    elseif type(value) ~= "string" and not (value == nil and type(opts) == "table" and opts.ignore_value) then
        return _M.no_string("the value", value)
    end
end

return _M
