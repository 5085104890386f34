-- Calls every method of a client of etcd with a deadline of 0.4 s. Returns the codes by method, and the longest time.

local op = require("resty.ffi.etcd").op

local CALLS = {
    get = function(c, opts) return c:get("x", opts) end,
    put = function(c, opts) return c:put("x", "y", opts) end,
    delete = function(c, opts) return c:delete("x", opts) end,
    txn = function(c, opts) return c:txn({ success = { op.get("x") } }, opts) end,
    compact = function(c, opts) return c:compact(1, opts) end,
    grant = function(c, opts) return c:grant(5, opts) end,
    revoke = function(c, opts) return c:revoke("77", opts) end,
    time_to_live = function(c, opts) return c:time_to_live("77", opts) end,
    leases = function(c, opts) return c:leases(opts) end,
    keep_alive_once = function(c, opts) return c:keep_alive_once("77", opts) end,
    keep_alive = function(c, opts) return c:keep_alive("77", opts) end,
    watch = function(c, opts) return c:watch({ key = "x" }, opts) end,
    lock = function(c, opts) return c:lock("x", opts) end,
    status = function(c, opts) return c:status(nil, opts) end,
    members = function(c, opts) return c:members(opts) end,
}

return function(c)
    local codes, longest = {}, 0
    for name, call in pairs(CALLS) do
        ngx.update_time()
        local start = ngx.now()
        local ok, code, err = call(c, { timeout = 0.4 })
        ngx.update_time()
        longest = math.max(longest, ngx.now() - start)
        codes[name] = ok and "answered" or code
        assert(ok or type(err) == "string" and err ~= "", name)
    end
    return codes, longest
end
