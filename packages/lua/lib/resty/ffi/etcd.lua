-- resty.ffi.etcd: a client of etcd, the official one of Go in libffi_etcd.so.
--
--     local etcd = require "resty.ffi.etcd"
--     local client = etcd.new{ endpoints = { "127.0.0.1:2379" } }
--     local ok, res, err = client:put("/routes/1", "a value")      -- true, { revision } | false, code, message
--     ok, res, err = client:get("/routes/", { prefix = true })     -- true, { revision, count, more, kvs = { … } }
--
--     local watch = client:watch{ key = "/routes/", prefix = true, revision = res.revision + 1 }
--     ok, res, err = watch:recv()                                  -- true, { revision, events = { { type, kv } … } }
--     watch:close()
--
--     local is, op = etcd.compare, etcd.op
--     client:txn{ compare = { is.version("/leader", "=", 0) }, success = { op.put("/leader", "me") } }
--
-- Leases, locks and everything else are in docs/etcd.md.

local check = require "resty.ffi.check"
local client = require "resty.ffi.client"
local msgpack = require "resty.ffi.msgpack"
local status = require "resty.ffi.status"

local getmetatable, ipairs, min, next, pairs, setmetatable, tostring, type =
    getmetatable, ipairs, math.min, next, pairs, setmetatable, tostring, type

local BAD_ARGUMENT, THREW, TIMEOUT = status.BAD_ARGUMENT, status.THREW, status.TIMEOUT
local USUAL_TIMEOUT = 5 -- of ngx.load_ffi

local _M = {}

local library = client.library("ffi_etcd")

local OPTIONS = {
    endpoints = check.names,
    user = check.name,
    password = check.name,
    namespace = check.string,
    tls = {
        ca = check.name,
        cert = check.name,
        key = check.name,
        server_name = check.name,
        verify = check.boolean,
    },
    dial_timeout = check.seconds,
    keepalive_time = check.seconds,
    keepalive_timeout = check.seconds,
    auto_sync_interval = check.seconds,
    max_send_bytes = check.count,
    max_receive_bytes = check.count,
    idle_timeout = check.seconds,
}

local RANGE = { prefix = check.boolean, range_end = check.string }
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
    for _, item in ipairs(ok and value or {}) do
        ok = ok and (item == "noput" or item == "nodelete")
    end
    return ok, "a list of \"noput\", \"nodelete\""
end

local WATCH = {
    key = check.string,
    prefix = check.boolean,
    range_end = check.string,
    revision = check.index,
    prev_kv = check.boolean,
    progress_notify = check.boolean,
    filters = filters,
    timeout = check.seconds,
}
-- The names of lua-resty-ffi-etcd.
local FORMER = { is_prefix = "prefix", range = "range_end", rev = "revision", prev = "prev_kv", username = "user" }

local function with_timeout(known)
    local all = { timeout = check.seconds }
    for name, test in pairs(known) do
        all[name] = test
    end
    return all
end

local CALL = with_timeout(NONE)
local RECV = { timeout = check.patience }
local GET_CALL, PUT_CALL, DELETE_CALL = with_timeout(GET), with_timeout(PUT), with_timeout(DELETE)
local COMPACT = with_timeout({ physical = check.boolean })
local GRANT = with_timeout({ keep_alive = check.boolean })
local TIME_TO_LIVE = with_timeout({ keys = check.boolean })
local LOCK = with_timeout({ ttl = check.count, try = check.boolean })

local function refused(err)
    return false, BAD_ARGUMENT, err
end

local function no_string(what, value)
    return what .. " must be a string, not a " .. type(value)
end

-- Adds options to a body; nil or a sentence. The timeout is not etcd's.
local function add(body, opts, known)
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

-- The options of ngx.load_ffi for libffi_etcd.so, such as isolate, before its first use.
function _M.setup(opts)
    return library:setup(opts)
end

local Client = {}
Client.__index = Client

-- A client; nil and a sentence if an option is wrong. Nothing is connected yet.
function _M.new(opts)
    local given = check.renamed(opts, FORMER)
    if type(given) == "table" and given.tls == true then
        given.tls = {}
    end
    local err = check.options(given, OPTIONS)
    if err then
        return nil, err
    elseif not given.endpoints or #given.endpoints == 0 then
        return nil, "the option \"endpoints\" is missing: a list of addresses such as \"127.0.0.1:2379\""
    elseif not given.user ~= not given.password then
        return nil, "the options \"user\" and \"password\" need each other"
    end
    local handle
    handle, err = library:client(given)
    return handle and setmetatable({ handle = handle }, Client), err
end

-- No more calls by this object. The connection is closed when nobody with the same options uses it any more.
function Client:close()
    return self.handle:close()
end

local function call(self, method, body, opts, known)
    local err = add(body, opts, known)
    if err then
        return refused(err)
    end
    return self.handle:call(method, body, opts and opts.timeout and { timeout = opts.timeout })
end

function Client:get(key, opts)
    if type(key) ~= "string" then
        return refused(no_string("the key", key))
    end
    return call(self, "get", { key = key }, opts, GET_CALL)
end

-- What is wrong with a key and a value that are to be put.
local function no_pair(key, value, opts)
    if type(key) ~= "string" then
        return no_string("the key", key)
    elseif type(value) ~= "string" and not (value == nil and type(opts) == "table" and opts.ignore_value) then
        return no_string("the value", value)
    end
end

function Client:put(key, value, opts)
    local err = no_pair(key, value, opts)
    if err then
        return refused(err)
    end
    return call(self, "put", { key = key, value = value }, opts, PUT_CALL)
end

function Client:delete(key, opts)
    if type(key) ~= "string" then
        return refused(no_string("the key", key))
    end
    return call(self, "delete", { key = key }, opts, DELETE_CALL)
end

-- What a transaction consists of is checked when it is made and told when it is sent, so that a mistake cannot pass
-- for an empty list.
local Comparison, Operation = {}, {}

_M.compare = {}
for _, target in ipairs({ "value", "version", "create_revision", "mod_revision", "lease" }) do
    local field = (target == "value" or target == "lease") and target or "number"
    local known = { value = field == "number" and check.index or check.string }
    _M.compare[target] = function(key, operator, value, opts)
        local body = { key = key, target = target, result = operator, [field] = value }
        local err = add(body, opts, RANGE)
        if type(key) ~= "string" then
            err = no_string("the key", key)
        elseif operator ~= "=" and operator ~= "!=" and operator ~= "<" and operator ~= ">" then
            err = "the operator must be one of =, !=, <, >"
        elseif value == nil then
            err = "there is nothing to compare with"
        elseif not err then
            err = check.options({ value = value }, known)
        end
        return setmetatable({ body = body, err = err }, Comparison)
    end
end

local function operation(name, body, err)
    return setmetatable({ body = { [name] = body }, err = err }, Operation)
end

_M.op = {
    get = function(key, opts)
        local body = { key = key }
        return operation("get", body, type(key) ~= "string" and no_string("the key", key) or add(body, opts, GET))
    end,
    put = function(key, value, opts)
        local body = { key = key, value = value }
        return operation("put", body, no_pair(key, value, opts) or add(body, opts, PUT))
    end,
    delete = function(key, opts)
        local body = { key = key }
        return operation("delete", body, type(key) ~= "string" and no_string("the key", key) or add(body, opts, DELETE))
    end,
}

-- The bodies of a list's items.
local function bodies(list, kind, name)
    local made = setmetatable({}, msgpack.list)
    if list == nil then
        return made
    elseif type(list) ~= "table" then
        return nil, "\"" .. name .. "\" must be a list, not a " .. type(list)
    end
    local count = 0
    for _ in pairs(list) do
        count = count + 1
    end
    for k = 1, count do
        local item = list[k]
        if getmetatable(item) ~= kind then
            return nil, name .. "[" .. k .. "] must be made by a function of etcd."
                        .. (kind == Comparison and "compare" or "op") .. ", and is a " .. type(item)
        elseif item.err then
            return nil, name .. "[" .. k .. "]: " .. item.err
        end
        made[k] = item.body
    end
    return made
end

local TXN = { compare = Comparison, success = Operation, failure = Operation }

local function txn_body(txn)
    if type(txn) ~= "table" then
        return nil, "a transaction must be a table with the lists compare, success, failure, not a " .. type(txn)
    end
    for name in pairs(txn) do
        if not TXN[name] then
            return nil, "there is no list \"" .. tostring(name) .. "\"; the lists are: compare, failure, success"
        end
    end
    local body = {}
    for name, kind in pairs(TXN) do
        local err
        body[name], err = bodies(txn[name], kind, name)
        if err then
            return nil, err
        end
    end
    return body
end

function _M.op.txn(txn)
    return operation("txn", txn_body(txn))
end

function Client:txn(txn, opts)
    local body, err = txn_body(txn)
    if not body then
        return refused(err)
    end
    return call(self, "txn", body, opts, CALL)
end

function Client:compact(revision, opts)
    if not check.index(revision) then
        return refused("the revision must be a whole number from 0 on")
    end
    return call(self, "compact", { revision = revision }, opts, COMPACT)
end

-- Opens a stream and waits for its first message. Returns both, or nil, code, message.
local function open(self, method, body, opts, lifetime)
    local seconds = opts and opts.timeout or library.opts and library.opts.timeout or USUAL_TIMEOUT
    body.timeout = seconds - min(seconds / 10, 0.05) -- the runtime gives up a little earlier, and can say why
    local stream, code, err = self.handle:stream(method, body, lifetime and { timeout = lifetime })
    if not stream then
        return nil, code, err
    end
    local ok, first
    ok, first, err = stream:recv(seconds)
    if ok and first then
        return stream, first
    end
    stream:close()
    return nil, ok and THREW or first, ok and "the stream ended before it began" or err
end

-- Seconds, or a table of options with a timeout. nil and a sentence if that is wrong.
local function seconds_of(opts, known)
    if type(opts) ~= "table" then
        return opts
    end
    return opts.timeout, check.options(opts, known)
end

local Watch = {}
Watch.__index = Watch

-- A watch once etcd has created it; nil, code, message. What happens from then on, or from what.revision on, is sent.
function Client:watch(what, opts)
    local given = check.renamed(what, FORMER)
    local err = check.options(given, WATCH) or opts ~= nil and check.options(opts, CALL) or nil
    if not err and not given.key then
        err = "the option \"key\" is missing"
    end
    if err then
        return nil, BAD_ARGUMENT, err
    end
    local lifetime = given.timeout
    local stream, first
    stream, first, err = open(self, "watch", given, opts, lifetime)
    if not stream then
        return nil, first, err
    end
    return setmetatable({ stream = stream, revision = first.revision }, Watch)
end

-- true, { revision, events } | false, code, message. After TIMEOUT the watch goes on, after any other code it is over.
-- The timeout may be math.huge.
function Watch:recv(opts)
    local seconds, err = seconds_of(opts, RECV)
    if err then
        return refused(err)
    end
    return self.stream:recv(seconds)
end

-- Asks etcd how far the watch is: recv returns a revision without events, after all events up to it.
function Watch:progress()
    return self.stream:send({})
end

function Watch:close()
    return self.stream:close()
end

local function lease_call(self, method, id, opts, known)
    if type(id) ~= "string" then
        return refused(no_string("the id of a lease", id))
    end
    return call(self, method, { id = id }, opts, known)
end

function Client:grant(ttl, opts)
    if not check.count(ttl) then
        return refused("the time to live must be a whole number of seconds from 1 on")
    end
    return call(self, "grant", { ttl = ttl }, opts, GRANT)
end

function Client:revoke(id, opts)
    return lease_call(self, "revoke", id, opts, CALL)
end

function Client:time_to_live(id, opts)
    return lease_call(self, "time_to_live", id, opts, TIME_TO_LIVE)
end

function Client:keep_alive_once(id, opts)
    return lease_call(self, "keep_alive_once", id, opts, CALL)
end

function Client:leases(opts)
    return call(self, "leases", {}, opts, CALL)
end

local KeepAlive = {}
KeepAlive.__index = KeepAlive

-- Keeps a lease alive as long as what it returns is open; nil, code, message if the first renewal fails.
function Client:keep_alive(id, opts)
    local err = type(id) ~= "string" and no_string("the id of a lease", id)
                or opts ~= nil and check.options(opts, CALL) or nil
    if err then
        return nil, BAD_ARGUMENT, err
    end
    local stream, first
    stream, first, err = open(self, "keep_alive", { id = id }, opts)
    if not stream then
        return nil, first, err
    end
    return setmetatable({ stream = stream, id = id, ttl = first.ttl }, KeepAlive)
end

-- true, { id, ttl } at each renewal | false, code, message. Nobody has to call it for the lease to be kept alive.
KeepAlive.recv = Watch.recv

function KeepAlive:close()
    return self.stream:close()
end

local Lock = {}
Lock.__index = Lock

-- true, lock once it is held | false, code, message. It ends with the request or timer that took it, at the latest.
function Client:lock(name, opts)
    local err = type(name) ~= "string" and no_string("the name", name)
                or opts ~= nil and check.options(opts, LOCK) or nil
    if err then
        return refused(err)
    end
    local body = { name = name, ttl = opts and opts.ttl or 60, try = opts and opts.try }
    local stream, first
    stream, first, err = open(self, "lock", body, opts)
    if not stream then
        return false, first, err
    end
    return true, setmetatable({ stream = stream, key = first.key, revision = first.revision }, Lock)
end

-- true while the lock is held | false, code, message once it is lost, since its lease could not be renewed.
function Lock:held()
    local ok, code, err = self.stream:recv(0.001)
    if code == TIMEOUT then
        return true
    elseif ok then
        return false, THREW, "the lock is not held any more"
    end
    return false, code, err
end

-- true once it is free for others | false, code, message.
function Lock:unlock(opts)
    local seconds, wrong = seconds_of(opts, CALL)
    if wrong then
        return refused(wrong)
    end
    local ok, code, err = self.stream:close_send()
    if ok then
        ok, code, err = self.stream:recv(seconds)
    end
    self.stream:close()
    if not ok then
        return false, code, err
    end
    return true
end

function Client:status(endpoint, opts)
    if endpoint ~= nil and type(endpoint) ~= "string" then
        return refused(no_string("the endpoint", endpoint))
    end
    return call(self, "status", { endpoint = endpoint }, opts, CALL)
end

function Client:members(opts)
    return call(self, "members", {}, opts, CALL)
end

function Client:endpoints(opts)
    return call(self, "endpoints", {}, opts, CALL)
end

return _M
