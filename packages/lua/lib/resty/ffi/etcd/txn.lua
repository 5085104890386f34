-- Transactions of resty.ffi.etcd: comparisons, operations, and the body that they make.
--
-- They are checked when they are made, and the error is returned when the transaction is sent: a mistake must not be
-- taken for an empty list.

local check = require "resty.ffi.check"
local msgpack = require "resty.ffi.msgpack"
local options = require "resty.ffi.etcd.options"

local getmetatable, pairs, setmetatable, tostring, type = getmetatable, pairs, setmetatable, tostring, type

local add, no_pair, no_string = options.add, options.no_pair, options.no_string

---@alias resty.ffi.etcd.Operator "="|"!="|"<"|">"

---A comparison of a transaction.
---@class resty.ffi.etcd.Comparison
local Comparison = {}

---An operation of a transaction.
---@class resty.ffi.etcd.Operation
local Operation = {}

---A transaction. The operations of `success` are done if all comparisons hold, else those of `failure`.
---@class resty.ffi.etcd.Transaction
---@field compare? resty.ffi.etcd.Comparison[]
---@field success? resty.ffi.etcd.Operation[]
---@field failure? resty.ffi.etcd.Operation[]

---Comparisons of a transaction. With `prefix` or `range_end` all keys of the range must satisfy them.
---@class resty.ffi.etcd.compare
local compare = {}

---Operations of a transaction, with the arguments of the functions of the client.
---@class resty.ffi.etcd.op
local op = {}

local function comparison(body, value, test, opts)
    local operator = body.result
    local err = add(body, opts, options.RANGE)
    if type(body.key) ~= "string" then
        err = no_string("the key", body.key)
    elseif operator ~= "=" and operator ~= "!=" and operator ~= "<" and operator ~= ">" then
        err = "the operator must be one of =, !=, <, >"
    elseif value == nil then
        err = "there is nothing to compare with"
    elseif not err then
        err = check.options({ value = value }, { value = test })
    end
    return setmetatable({ body = body, err = err }, Comparison)
end

local function of_text(target, key, operator, value, opts)
    return comparison({ key = key, target = target, result = operator, [target] = value }, value, check.string, opts)
end

local function of_number(target, key, operator, value, opts)
    return comparison({ key = key, target = target, result = operator, number = value }, value, check.index, opts)
end

---Compares the value of a key.
---@param key string
---@param operator resty.ffi.etcd.Operator
---@param value string
---@param opts? resty.ffi.etcd.RangeOptions
---@return resty.ffi.etcd.Comparison
function compare.value(key, operator, value, opts)
    return of_text("value", key, operator, value, opts)
end

---Compares the lease of a key with the id of a lease.
---@param key string
---@param operator resty.ffi.etcd.Operator
---@param value string
---@param opts? resty.ffi.etcd.RangeOptions
---@return resty.ffi.etcd.Comparison
function compare.lease(key, operator, value, opts)
    return of_text("lease", key, operator, value, opts)
end

---Compares the version of a key, which is 0 if there is no such key.
---@param key string
---@param operator resty.ffi.etcd.Operator
---@param value integer
---@param opts? resty.ffi.etcd.RangeOptions
---@return resty.ffi.etcd.Comparison
function compare.version(key, operator, value, opts)
    return of_number("version", key, operator, value, opts)
end

---Compares the revision at which a key was made.
---@param key string
---@param operator resty.ffi.etcd.Operator
---@param value integer
---@param opts? resty.ffi.etcd.RangeOptions
---@return resty.ffi.etcd.Comparison
function compare.create_revision(key, operator, value, opts)
    return of_number("create_revision", key, operator, value, opts)
end

---Compares the revision of the last change of a key.
---@param key string
---@param operator resty.ffi.etcd.Operator
---@param value integer
---@param opts? resty.ffi.etcd.RangeOptions
---@return resty.ffi.etcd.Comparison
function compare.mod_revision(key, operator, value, opts)
    return of_number("mod_revision", key, operator, value, opts)
end

local function operation(name, body, err)
    return setmetatable({ body = { [name] = body }, err = err }, Operation)
end

---Reads keys.
---@param key string
---@param opts? resty.ffi.etcd.GetOptions
---@return resty.ffi.etcd.Operation
function op.get(key, opts)
    local body = { key = key }
    return operation("get", body, type(key) ~= "string" and no_string("the key", key) or add(body, opts, options.GET))
end

---Writes a key.
---@param key string
---@param value? string nil only with `ignore_value`
---@param opts? resty.ffi.etcd.PutOptions
---@return resty.ffi.etcd.Operation
function op.put(key, value, opts)
    local body = { key = key, value = value }
    return operation("put", body, no_pair(key, value, opts) or add(body, opts, options.PUT))
end

---Deletes keys.
---@param key string
---@param opts? resty.ffi.etcd.DeleteOptions
---@return resty.ffi.etcd.Operation
function op.delete(key, opts)
    local body = { key = key }
    local err = type(key) ~= "string" and no_string("the key", key) or add(body, opts, options.DELETE)
    return operation("delete", body, err)
end

-- The bodies of the items of a list.
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

local LISTS = { compare = Comparison, success = Operation, failure = Operation }

-- The body of a transaction; nil and an error message if something in it is wrong.
local function body_of(txn)
    if type(txn) ~= "table" then
        return nil, "a transaction must be a table with the lists compare, success, failure, not a " .. type(txn)
    end
    for name in pairs(txn) do
        if not LISTS[name] then
            return nil, "there is no list \"" .. tostring(name) .. "\"; the lists are: compare, failure, success"
        end
    end
    local body = {}
    for name, kind in pairs(LISTS) do
        local err
        body[name], err = bodies(txn[name], kind, name)
        if err then
            return nil, err
        end
    end
    return body
end

---Does a whole transaction.
---@param txn resty.ffi.etcd.Transaction
---@return resty.ffi.etcd.Operation
function op.txn(txn)
    return operation("txn", body_of(txn))
end

return { compare = compare, op = op, body = body_of }
